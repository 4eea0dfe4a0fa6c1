/**
 * The text of an API key: `ty_live_` for secret scanners, 8 characters by which it is looked up and logged, `_`, the
 * secret (32 random bytes as base64url, 43 characters), and a CRC-32 that refuses typing errors without a query. The
 * parts have fixed lengths, since base64url itself holds `_`.
 */
/** What `createApiKeyText` is made of: 5 bytes for the id, 32 for the secret. */
export const API_KEY_RANDOM_BYTES = 37
const PREFIX = 'ty_live_'
const KEY_ID_LENGTH = 8
const SECRET_LENGTH = 43
const CHECKSUM_LENGTH = 6
const TEXT_LENGTH = PREFIX.length + KEY_ID_LENGTH + 1 + SECRET_LENGTH + CHECKSUM_LENGTH
const KEY_ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const CHECKSUM_ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

export interface ApiKeyParts {
  keyId: string
  secret: string
}

/** A new key from `API_KEY_RANDOM_BYTES` random bytes. */
export function createApiKeyText(random: Uint8Array): ApiKeyParts & { text: string } {
  if (random.length !== API_KEY_RANDOM_BYTES)
    throw new Error(`expected ${API_KEY_RANDOM_BYTES} random bytes, got ${random.length}`)
  let keyId = ''
  let bits = random.subarray(0, 5).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)
  for (let i = 0; i < KEY_ID_LENGTH; i++) {
    keyId += KEY_ID_ALPHABET.charAt(Number(bits & 31n))
    bits >>= 5n
  }
  const secret = toBase64Url(random.subarray(5))
  const body = `${PREFIX}${keyId}_${secret}`
  return { keyId, secret, text: body + checksum(body) }
}

/** The parts of a key, or null when the text cannot be one. */
export function parseApiKeyText(text: string): ApiKeyParts | null {
  if (text.length !== TEXT_LENGTH || !text.startsWith(PREFIX)) return null
  const body = text.slice(0, -CHECKSUM_LENGTH)
  if (text.slice(-CHECKSUM_LENGTH) !== checksum(body)) return null
  const keyId = body.slice(PREFIX.length, PREFIX.length + KEY_ID_LENGTH)
  const secret = body.slice(-SECRET_LENGTH)
  if (!/^[a-z2-7]+$/.test(keyId) || !/^[\w-]+$/.test(secret)) return null
  return { keyId, secret }
}

function toBase64Url(bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes))
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** CRC-32 (IEEE 802.3, reflected) in base 62, six characters. */
function checksum(text: string): string {
  let crc = 0xffffffff
  for (let i = 0; i < text.length; i++) {
    crc ^= text.charCodeAt(i)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  let value = ~crc >>> 0
  let digits = ''
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    digits = CHECKSUM_ALPHABET.charAt(value % 62) + digits
    value = Math.floor(value / 62)
  }
  return digits
}
