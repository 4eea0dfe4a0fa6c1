import { DataError } from '@trainyard/datasets'

/** An error of encoding a single record, its faults pointing to where the record stands in the body; others as they are. */
export function placeRecordFaults(error: unknown, pointerToRecord: string): unknown {
  if (!(error instanceof DataError)) return error
  return new DataError(
    error.faults.map(({ pointer, ...fault }) => ({
      ...fault,
      ...(pointer && { pointer: pointer.replace('#/records/0', pointerToRecord) }),
    })),
  )
}
