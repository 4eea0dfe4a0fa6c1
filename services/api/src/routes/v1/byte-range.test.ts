import { describe, expect, it } from 'vitest'
import { readRange } from './byte-range.ts'

const FILE = { bytes: 100, etag: '"a"' }
const read = (range: string, ifRange?: string) => readRange({ range, 'if-range': ifRange }, FILE)

describe('readRange', () => {
  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=10-19', 10, 20],
    ['bytes=90-', 90, 100],
    ['bytes=99-1000', 99, 100],
    ['bytes=-1', 99, 100],
    ['bytes=-1000', 0, 100],
  ])('reads %s', (range, start, end) => {
    expect(read(range)).toEqual({ start, end })
  })

  it.each(['bytes=5-4', 'bytes=-', 'bytes=0-1,4-5', 'rows=0-1', 'bytes=a-b', 'bytes=1.5-2', ''])(
    'passes over %j, as a server may',
    (range) => {
      expect(read(range)).toBeNull()
    },
  )

  it('gives the whole to who has a part of another file', () => {
    expect(read('bytes=0-9', '"a"')).toEqual({ start: 0, end: 10 })
    expect(read('bytes=0-9', '"b"')).toBeNull()
    // Weak tags and dates prove nothing about bytes.
    expect(read('bytes=0-9', 'W/"a"')).toBeNull()
    expect(read('bytes=0-9', 'Fri, 27 Nov 2026 20:00:00 GMT')).toBeNull()
  })

  it.each(['bytes=100-', 'bytes=100-200', 'bytes=-0'])('refuses %s of 100 bytes', (range) => {
    expect(() => read(range)).toThrow('The file has 100 bytes')
  })
})
