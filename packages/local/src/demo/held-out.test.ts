import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CHECKOUT } from '../checkout.ts'
import { holdOutDigits } from './held-out.ts'

const text = readFileSync(`${CHECKOUT}data/digits.csv`, 'utf8')

describe('holdOutDigits', () => {
  it('keeps one row of each digit back and uploads all others', () => {
    const { csv, heldOut } = holdOutDigits(text)

    expect(heldOut.map((digit) => digit.label)).toEqual([...'0123456789'])
    expect(csv.trimEnd().split('\n')).toHaveLength(1 + 1797 - 10)
    for (const { pixels, label } of heldOut) {
      expect(csv).not.toContain(`\n${[...Object.values(pixels), label].join(',')}\n`)
    }
  })

  it('names the 64 pixels as the header does', () => {
    const [first] = holdOutDigits(text).heldOut

    expect(Object.keys(first?.pixels ?? {})).toEqual(Array.from({ length: 64 }, (_, i) => `p${i}`))
  })
})
