/**
 * Long lists and maps that a caller fills: no more entries than a bound, and no more faults told than anyone reads. Zod
 * itself makes an issue for every entry that is wrong, seconds of the event loop for a body of one mebibyte, and passes
 * them on as arguments of a call, which overflows the stack at some hundred thousand. A list of a thousand needs no more
 * than zod's own `max`, which is looked at before the items.
 */
import { z } from 'zod'

/** Of one list or map. */
const FAULTS_MAX = 20

type RawIssue = Parameters<z.core.$RefinementCtx['issues']['push']>[0]

/** An array of at most `max` items. */
export function listOf<Item extends z.ZodType>(item: Item, { min = 0, max }: Bounds) {
  const list = z.array(item).min(min).max(max)
  return z.preprocess((value, context) => {
    if (!Array.isArray(value)) return value
    if (value.length > max) {
      const [code, origin] = ['too_big', 'array'] as const
      context.issues.push({ code, origin, maximum: max, inclusive: true, input: value })
      return z.NEVER
    }
    const faults = gatherFaults(value.entries(), (entry) => item.safeParse(entry))
    context.issues.push(...faults)
    return faults.length > 0 ? z.NEVER : value
  }, list)
}

/** An object of at most `max` entries with names of the caller's choice. */
export function mapOf<Key extends z.ZodType<string, string>, Value extends z.ZodType>(
  key: Key,
  value: Value,
  { max }: Pick<Bounds, 'max'>,
) {
  const map = z.record(key, value).meta({ maxProperties: max })
  return z.preprocess((input, context) => {
    if (typeof input !== 'object' || input === null || Array.isArray(input)) return input
    const names = Object.keys(input)
    if (names.length > max) {
      const message = `must hold at most ${max} entries, got ${names.length}`
      context.issues.push({ code: 'custom', message, input })
      return z.NEVER
    }
    const faults: RawIssue[] = gatherFaults(Object.entries(input), (entry) =>
      value.safeParse(entry),
    )
    for (const name of names) {
      const { success, error } = key.safeParse(name)
      if (success || faults.length >= FAULTS_MAX) continue
      const { issues } = error
      faults.push({ code: 'invalid_key', origin: 'record', issues, path: [name], input })
    }
    context.issues.push(...faults)
    return faults.length > 0 ? z.NEVER : input
  }, map)
}

interface Bounds {
  min?: number
  max: number
}

/** Looks at entries until there are faults enough. */
function gatherFaults<Entry>(
  entries: Iterable<[PropertyKey, Entry]>,
  check: (entry: Entry) => z.ZodSafeParseResult<unknown>,
): RawIssue[] {
  const faults: RawIssue[] = []
  for (const [place, entry] of entries) {
    const result = check(entry)
    if (result.success) continue
    for (const issue of result.error.issues) {
      faults.push({ ...issue, path: [place, ...issue.path], input: entry } as RawIssue)
      if (faults.length >= FAULTS_MAX) return faults
    }
  }
  return faults
}
