/** Proves at compile time that a switch handled every kind; at run time it names the one it did not. */
export function assertNever(value: never): never {
  throw new Error(`unhandled kind: ${JSON.stringify(value)}`);
}
