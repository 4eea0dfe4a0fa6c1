import { DataError, type DataFault } from './data-error.ts'

/** The faults of the DataError that the work throws; anything else fails the test. */
export async function captureFaults(work: () => unknown): Promise<readonly DataFault[]> {
  try {
    await work()
  } catch (error) {
    if (error instanceof DataError) return error.faults
    throw error
  }
  throw new Error('The data was accepted')
}
