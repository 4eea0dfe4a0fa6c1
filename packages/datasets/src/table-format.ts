/** Which format a file is in, by what it is called or by how it begins. */
import { open } from 'node:fs/promises'
import type { TableFormat } from '@trainyard/contracts'

const EXTENSIONS: Record<string, TableFormat> = {
  csv: 'csv',
  tsv: 'tsv',
  tab: 'tsv',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  json: 'json',
  parquet: 'parquet',
  npy: 'npy',
  npz: 'npz',
  idx: 'idx',
  arff: 'arff',
}
const PEEK_BYTES = 4096

/** By the ending of a file's name, that of a compression left aside; null when it says nothing. */
export function formatOfName(fileName: string): TableFormat | null {
  const extension = /\.([a-z]+)(\.(gz|zst))?$/i.exec(fileName)?.[1] ?? ''
  return EXTENSIONS[extension.toLowerCase()] ?? null
}

/** By the first bytes; whatever is nothing else is CSV. */
export async function formatOfContent(path: string): Promise<TableFormat> {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.alloc(PEEK_BYTES)
    const { bytesRead } = await file.read(buffer, 0, PEEK_BYTES, 0)
    return formatOfBytes(buffer.subarray(0, bytesRead))
  } finally {
    await file.close()
  }
}

function formatOfBytes(bytes: Buffer): TableFormat {
  const start = bytes.toString('latin1')
  if (start.startsWith('PAR1')) return 'parquet'
  if (start.startsWith('\x93NUMPY')) return 'npy'
  if (start.startsWith('PK\x03\x04')) return 'npz'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: two zeros and a type are how IDX begins.
  if (/^\0\0[\x08\x09\x0b-\x0e]/.test(start)) return 'idx'
  if (/^\s*\{/.test(start)) return 'ndjson'
  if (/^\s*\[/.test(start)) return 'json'
  if (/^(\s*%.*\n|\s*\n)*\s*@relation\b/i.test(start)) return 'arff'
  return 'csv'
}
