const NON_FINITE = { NaN: 'nan', Infinity: 'inf', '-Infinity': '-inf' } as const

type NonFinite = (typeof NON_FINITE)[keyof typeof NON_FINITE]

/**
 * The body as JSON can hold it: typed arrays as arrays, and numbers that are not finite as null, named under `non_finite`
 * by their place (`layers/0/z/3`).
 */
export function toJsonNumbers(body: object): object {
  const nonFinite: Record<string, NonFinite> = {}
  const converted = convert(body, '') as object
  return Object.keys(nonFinite).length === 0 ? converted : { ...converted, non_finite: nonFinite }

  function convert(value: unknown, path: string): unknown {
    if (typeof value === 'number') {
      if (Number.isFinite(value)) return value
      nonFinite[path] = NON_FINITE[String(value) as keyof typeof NON_FINITE]
      return null
    }
    if (typeof value !== 'object' || value === null) return value
    const at = (name: string | number) => (path === '' ? String(name) : `${path}/${name}`)
    if (ArrayBuffer.isView(value)) return convert(Array.from(value as Float64Array), path)
    if (Array.isArray(value)) return value.map((item, i) => convert(item, at(i)))
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, convert(item, at(name))]),
    )
  }
}
