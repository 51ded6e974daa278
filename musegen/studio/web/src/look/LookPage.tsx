export function LookPage() {
  return <p>Look</p>;
}
