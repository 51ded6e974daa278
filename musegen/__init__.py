"""musegen: music generation over MIDI."""
