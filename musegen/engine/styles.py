"""Style tags by name: what a model is told of the music to come."""

from __future__ import annotations

from ..errors import SettingsError


def tags_of(styles: tuple[str, ...], style: str) -> tuple[int, ...]:
    """The index of `style` in `styles`, as `EventCodec.encode` takes it; none for "". Raises SettingsError."""
    if style and style not in styles:
        raise SettingsError(f"This checkpoint has no style {style!r}; it knows {', '.join(styles) or 'none'}.")
    return (styles.index(style),) if style else ()
