/** Keeps a part of an object out of its JSON and out of logs. */
export function hide<T>(of: object, name: string, value: T): T {
  Object.defineProperty(of, name, { value, enumerable: false, configurable: true, writable: true })
  return value
}
