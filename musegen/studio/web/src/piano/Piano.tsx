export function Piano() {
  return null;
}
