import { createHmac, timingSafeEqual } from 'node:crypto'
import { createId } from '@trainyard/contracts'
import type { ApiKey, KeyStore } from '@trainyard/domain'
import type { Database } from '../client.ts'
import { translateErrors } from '../to-domain-error.ts'

export function createKeys(database: Database): KeyStore {
  return {
    find: (keyId) =>
      translateErrors(async () => {
        const row = await database.apiKey.findUnique({ where: { keyId } })
        return row === null ? null : toApiKey(row)
      }),

    insert: (key) =>
      translateErrors(() =>
        database.$transaction(async (transaction) => {
          const project = await transaction.project.upsert({
            where: { name: key.projectName },
            create: { id: createId('project'), name: key.projectName },
            update: {},
          })
          const row = await transaction.apiKey.create({
            data: {
              id: createId('apiKey'),
              projectId: project.id,
              keyId: key.keyId,
              name: key.name,
              secretHash: Uint8Array.from(key.secretHash),
              expiresAt: key.expiresAt,
            },
          })
          return toApiKey(row)
        }),
      ),

    list: () =>
      translateErrors(async () => {
        const rows = await database.apiKey.findMany({
          include: { project: true },
          orderBy: { createdAt: 'asc' },
        })
        return rows.map((row) => ({ ...toApiKey(row), projectName: row.project.name }))
      }),

    defaultProject: () =>
      translateErrors(async () => {
        const row = await database.project.findFirst({ orderBy: { createdAt: 'asc' } })
        return row === null ? null : (row.id as ApiKey['projectId'])
      }),
  }
}

/** HMAC-SHA256 of the secret: 256 random bits need no slow hash, and without the pepper a copy of the table opens nothing. */
export function hashSecret(pepper: Uint8Array, secret: string): Uint8Array {
  return createHmac('sha256', pepper).update(secret).digest()
}

export function isSameHash(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right)
}

function toApiKey(row: {
  id: string
  projectId: string
  keyId: string
  name: string
  secretHash: Uint8Array
  expiresAt: Date | null
  revokedAt: Date | null
}): ApiKey {
  return {
    ...row,
    id: row.id as ApiKey['id'],
    projectId: row.projectId as ApiKey['projectId'],
  }
}
