/**
 * Dates as ISO 8601 writes them: `2024-02-29`, or with a time, `2024-02-29T13:05`, seconds and their fraction, and a zone.
 * A date is taken as it is written, so that its hour is the hour of day where it was noted; a zone is read and not applied.
 * In memory a date is milliseconds since 1970 in that local time, in whole seconds.
 */
import { cos, sin } from '@trainyard/engine/random'
import { sqlText } from './session.ts'

/** Year, then sine and cosine of month, weekday and hour. */
export const DATE_INPUTS = 7

const DAY_MS = 86_400_000
/** The first of January 1970 was a Thursday; weeks begin on Monday. */
const WEEKDAY_OF_1970 = 3
const DAY = '[1-9][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])'
const TIME = '[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?'
const FRACTION_AND_ZONE = '(?:[.][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?'
/** What counts, and everything that may be written. */
const CORE = `${DAY}(?:${TIME})?`
const WHOLE = `${DAY}(?:${TIME}${FRACTION_AND_ZONE})?`
const IS_DATE = new RegExp(`^${WHOLE}$`)
const TAKE_CORE = new RegExp(`^${CORE}`)

/** Milliseconds since 1970; null for what is no date, the 30th of February included. */
export function parseDate(text: string): number | null {
  if (!IS_DATE.test(text)) return null
  const [core = ''] = TAKE_CORE.exec(text) ?? []
  const [date = '', time = '00:00'] = core.split(/[T ]/)
  const ms = Date.parse(`${date}T${time}Z`)
  // A day beyond the end of its month runs over into the next one.
  return new Date(ms).getUTCDate() === Number(date.slice(8)) ? ms : null
}

/** SQL of a text cell's milliseconds since 1970, NULL for what is no date: the same as `parseDate`. */
export function dateSql(cell: string): string {
  const core = `regexp_extract(${cell}, ${sqlText(`^${CORE}`)})`
  return `CASE WHEN regexp_full_match(${cell}, ${sqlText(WHOLE)})
    THEN epoch_ms(TRY_CAST(replace(${core}, 'T', ' ') AS TIMESTAMP))::DOUBLE END`
}

export function yearOf(ms: number): number {
  return new Date(ms).getUTCFullYear()
}

/** Sine and cosine of where the date stands in its year of months, in its week and in its day, six numbers. */
export function cyclesOf(ms: number): number[] {
  const day = Math.floor(ms / DAY_MS)
  const turns = [
    new Date(ms).getUTCMonth() / 12,
    ((((day + WEEKDAY_OF_1970) % 7) + 7) % 7) / 7,
    (ms - day * DAY_MS) / DAY_MS,
  ]
  return turns.flatMap((turn) => [sin(2 * Math.PI * turn), cos(2 * Math.PI * turn)])
}
