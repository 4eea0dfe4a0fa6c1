import type { Column } from '@trainyard/contracts'
import type { Table } from '@trainyard/datasets'

/** The truth table of XOR over and over, as a worker has it in memory: columns `a`, `b` and the target `y`. */
export function makeXorTable(rows: number): { table: Table; columns: Column[]; target: string } {
  const values = {
    a: (row: number) => row & 1,
    b: (row: number) => (row >> 1) & 1,
    y: (row: number) => (row & 1) ^ ((row >> 1) & 1),
  }
  const names = ['a', 'b', 'y'] as const
  return {
    table: {
      rows,
      columns: new Map(
        names.map((name) => {
          const column = new Float64Array(new SharedArrayBuffer(rows * 8))
          for (let row = 0; row < rows; row++) column[row] = values[name](row)
          return [name, { type: 'number', values: column }]
        }),
      ),
    },
    columns: names.map((name) => ({
      name,
      type: 'number',
      role: name === 'y' ? 'target' : 'feature',
      missing: 0,
      min: 0,
      max: 1,
      mean: 0.5,
      std: 0.5,
      levels: name === 'y' ? ['0', '1'] : null,
    })),
    target: 'y',
  }
}
