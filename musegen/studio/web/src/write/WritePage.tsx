export function WritePage() {
  return <p>Write</p>;
}
