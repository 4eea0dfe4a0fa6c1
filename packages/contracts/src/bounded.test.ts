import { expect, it } from 'vitest'
import { z } from 'zod'
import { listOf, mapOf } from './bounded.ts'

const list = listOf(z.string(), { min: 1, max: 400_000 })
const map = mapOf(z.string().min(2), z.object({ n: z.number() }), { max: 400_000 })
const issuesOf = (schema: z.ZodType, value: unknown) => schema.safeParse(value).error?.issues ?? []

it('lets through what fits, as it came', () => {
  expect(list.parse(['a', 'b'])).toEqual(['a', 'b'])
  expect(map.parse({ ab: { n: 1 } })).toEqual({ ab: { n: 1 } })
})

it('names the first twenty faults of hundreds of thousands, where zod alone overflows the stack', () => {
  const wrong = Array.from({ length: 400_000 }, (_, i) => i)
  const unbounded = z.object({ inner: z.array(z.string()) })
  expect(() => z.record(z.string(), unbounded).safeParse({ a: { inner: wrong } })).toThrow(
    RangeError,
  )

  const ofList = issuesOf(list, wrong)
  const ofMap = issuesOf(map, Object.fromEntries(wrong.map((i) => [`k${i}`, { n: 'x' }])))

  expect(ofList.map(({ path }) => path)).toEqual(Array.from({ length: 20 }, (_, i) => [i]))
  expect(ofMap.map(({ path }) => path)).toEqual(
    Array.from({ length: 20 }, (_, i) => [`k${i}`, 'n']),
  )
  expect(ofMap[0]).toMatchObject({ code: 'invalid_type', expected: 'number' })
})

it('refuses too many entries without a look at them', () => {
  const untouched = new Proxy([1, 2, 3], {
    get: (target, key) => {
      if (key === '0') throw new Error('looked at')
      return Reflect.get(target, key)
    },
  })

  expect(issuesOf(listOf(z.string(), { max: 2 }), untouched)).toMatchObject([
    { code: 'too_big', maximum: 2, path: [] },
  ])
  expect(issuesOf(mapOf(z.string(), z.string(), { max: 1 }), { a: 1, b: 2 })).toMatchObject([
    { message: 'must hold at most 1 entries, got 2', path: [] },
  ])
})

it('names a key that is none, and what is no list or map at all', () => {
  expect(issuesOf(map, { a: { n: 1 } })).toMatchObject([{ code: 'invalid_key', path: ['a'] }])
  expect(issuesOf(list, [])).toMatchObject([{ code: 'too_small' }])
  expect(issuesOf(list, {})).toMatchObject([{ code: 'invalid_type', expected: 'array' }])
  expect(issuesOf(map, [])).toMatchObject([{ code: 'invalid_type', expected: 'record' }])
})

it('stands in JSON Schema with its bound', () => {
  const schema = z.toJSONSchema(z.object({ list, map }), { io: 'input' })

  expect(schema.properties).toMatchObject({
    list: { type: 'array', minItems: 1, maxItems: 400_000, items: { type: 'string' } },
    map: { type: 'object', maxProperties: 400_000 },
  })
})
