// The types of the platform that this package's own types speak of. Who compiles without the DOM's
// types and without those of Node gets the part of them that is needed here.

/** The type of the global class `Name`, or `Else` where nothing declares it. */
type Global<Name extends string, Else> = typeof globalThis extends {
  [N in Name]: { prototype: infer T }
}
  ? T
  : Else

/** What `fetch` answers. */
export type WebResponse = Global<
  'Response',
  {
    readonly ok: boolean
    readonly status: number
    readonly url: string
    readonly headers: { get(name: string): string | null }
    text(): Promise<string>
    arrayBuffer(): Promise<ArrayBuffer>
  }
>

/** What aborts a call: `AbortSignal.timeout(1_000)`, or `new AbortController().signal`. */
export type WebSignal = Global<
  'AbortSignal',
  {
    readonly aborted: boolean
    readonly reason: any
    addEventListener(type: 'abort', listener: () => void): void
    removeEventListener(type: 'abort', listener: () => void): void
  }
>

/** What a `Response` takes as its body. */
export type WebStream = Global<'ReadableStream', { cancel(reason?: any): Promise<void> }>

/** What this package asks of a `fetch`: the global one does, and so does any that is like it. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: any; signal?: any },
) => Promise<WebResponse>

/** @internal A variable of the environment, where there is such a thing and it may be read. */
export function environment(name: string): string | undefined {
  const { process, Deno } = globalThis as any
  try {
    return (process?.env?.[name] ?? Deno?.env?.get?.(name))?.trim() || undefined
  } catch {
    // Deno without --allow-env: nothing is set there.
    return undefined
  }
}

/** @internal Whether this is a page that a user looks at, whose code and keys anybody can read. */
export function isBrowser(): boolean {
  const { window, document } = globalThis as any
  return window !== undefined && typeof document?.createElement === 'function'
}
