import type { ModelFile } from './exported-model.ts'

/** The whole of a file. */
export function fileBytes({ chunks }: Pick<ModelFile, 'chunks'>): Buffer {
  return Buffer.concat([...chunks].map((chunk) => Buffer.from(chunk as Uint8Array)))
}
