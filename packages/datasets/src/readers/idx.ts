/** IDX, the format of MNIST's own files (http://yann.lecun.com/exdb/mnist/): big-endian, the type in the third byte. */
import { open } from 'node:fs/promises'
import { refuse } from '../data-error.ts'
import type { ArrayElement, ArraySource } from './arrays.ts'

const ELEMENTS: Partial<Record<number, ArrayElement>> = {
  8: { bytes: 1, type: 'number', read: (view, at) => view.getUint8(at) },
  9: { bytes: 1, type: 'number', read: (view, at) => view.getInt8(at) },
  11: { bytes: 2, type: 'number', read: (view, at) => view.getInt16(at) },
  12: { bytes: 4, type: 'number', read: (view, at) => view.getInt32(at) },
  13: { bytes: 4, type: 'number', read: (view, at) => view.getFloat32(at) },
  14: { bytes: 8, type: 'number', read: (view, at) => view.getFloat64(at) },
}

export async function readIdx(path: string, name = ''): Promise<ArraySource> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const head = Buffer.alloc(4 + 4 * 255)
    const { bytesRead } = await file.read(head, 0, head.length, 0)
    const element = ELEMENTS[head.readUInt8(2)]
    const dimensions = head.readUInt8(3)
    const offset = 4 + 4 * dimensions
    if (head.readUInt16BE(0) !== 0 || element === undefined) {
      return refuse('The file does not begin as an IDX file does')
    }
    if (dimensions === 0 || bytesRead < offset) {
      refuse(`The IDX file announces ${dimensions} dimensions, which it cannot have`)
    }
    const [rows = 0, ...rest] = Array.from({ length: dimensions }, (_, i) =>
      head.readUInt32BE(4 + 4 * i),
    )
    const width = rest.reduce((product, length) => product * length, 1)
    const announced = offset + rows * width * element.bytes
    if (announced !== size) {
      refuse(`The IDX file should have ${announced} bytes by its header, and has ${size}`)
    }
    return { name, path, offset, rows, width, isFortran: false, element }
  } finally {
    await file.close()
  }
}
