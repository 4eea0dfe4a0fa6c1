import { describe, expect, it } from 'vitest'
import { API_KEY_RANDOM_BYTES, createApiKeyText, parseApiKeyText } from './api-key-text.ts'

const random = Uint8Array.from({ length: API_KEY_RANDOM_BYTES }, (_, i) => i * 7)

describe('an API key', () => {
  it('is read back into its parts', () => {
    const { text, keyId, secret } = createApiKeyText(random)

    expect(parseApiKeyText(text)).toEqual({ keyId, secret })
  })

  it('has the documented form, and its secret holds all 32 bytes', () => {
    const { text, secret } = createApiKeyText(random)

    expect(text).toMatch(/^ty_live_[a-z2-7]{8}_[\w-]{43}[0-9A-Za-z]{6}$/)
    expect(Buffer.from(secret, 'base64url')).toEqual(Buffer.from(random.slice(5)))
  })

  it('is refused when any one character is another', () => {
    const { text } = createApiKeyText(random)

    const accepted = [...text].filter((character, i) => {
      const other = character === 'x' ? 'y' : 'x'
      return parseApiKeyText(text.slice(0, i) + other + text.slice(i + 1)) !== null
    })

    expect(accepted).toEqual([])
  })

  it.each(['', 'ty_live_', 'Bearer', 'x'.repeat(64), 'ty_live_'.repeat(8)])('is not %o', (text) => {
    expect(parseApiKeyText(text)).toBeNull()
  })
})
