import { randomBytes } from 'node:crypto'
import { API_KEY_RANDOM_BYTES, createApiKeyText, parseApiKeyText } from '@trainyard/domain'
import { type createKeys, hashSecret, isSameHash } from '@trainyard/store'

export type Keys = ReturnType<typeof createKeys>

export const DEFAULT_PROJECT = 'default'
const LOCAL_KEY = 'local'

/** Makes a key and returns its text, which is stored nowhere: what the database keeps cannot be turned back into it. */
export async function createKey(
  keys: Keys,
  pepper: string,
  key: { name: string; projectName: string; expiresAt: Date | null },
): Promise<string> {
  const { text, keyId, secret } = createApiKeyText(
    new Uint8Array(randomBytes(API_KEY_RANDOM_BYTES)),
  )
  await keys.insert({ ...key, keyId, secretHash: hashSecret(Buffer.from(pepper, 'hex'), secret) })
  return text
}

/**
 * The key a local stack gives out: `lastText` for as long as it opens this database, else a new one. A key that the
 * database has never seen (it is a new one, or another) is entered there, so that programs which hold it go on.
 */
export async function ensureLocalKey(
  keys: Keys,
  pepper: string,
  lastText: string | null,
): Promise<string> {
  const local = { name: LOCAL_KEY, projectName: DEFAULT_PROJECT, expiresAt: null }
  const parts = lastText === null ? null : parseApiKeyText(lastText)
  if (lastText === null || parts === null) return createKey(keys, pepper, local)
  const secretHash = hashSecret(Buffer.from(pepper, 'hex'), parts.secret)
  const known = await keys.find(parts.keyId)
  if (known === null) {
    await keys.insert({ ...local, keyId: parts.keyId, secretHash })
    return lastText
  }
  const isValid = isSameHash(known.secretHash, secretHash) && known.revokedAt === null
  return isValid ? lastText : createKey(keys, pepper, local)
}
