import type { Architecture, Cell, PredictionItem, Preprocessing } from '@trainyard/contracts'

export interface WeightsLayer {
  /** [out, in], row-major. */
  weight: Float32Array
  /** [out], as is all that follows. */
  bias: Float32Array
  /** This and the rest only where there is batch normalization. */
  gamma?: Float32Array
  beta?: Float32Array
  runningMean?: Float32Array
  runningVariance?: Float32Array
}

export interface ExportedNetwork {
  architecture: Architecture
  /** null: the weights came without it, and take encoded inputs. */
  preprocessing: Preprocessing | null
  /** The last entry is the output layer. */
  layers: readonly WeightsLayer[]
}

/** A model as the writers take it: one network, or several whose probabilities or values are averaged. */
export interface ExportedModel {
  networks: readonly ExportedNetwork[]
  /** Texts that go with the file where the format has room for them: where the weights come from. */
  facts: Readonly<Record<string, string>>
}

/** A network whose preprocessing is known: that of weights without one is written out by the caller. */
export type PreprocessedNetwork = ExportedNetwork & { preprocessing: Preprocessing }

/** A record and what the model answers, so that a reader can see whether it reads right. */
export interface ModelVector {
  record: Readonly<Record<string, Cell>>
  prediction: PredictionItem
}

/** What the formats that hold the whole way from record to answer take. */
export interface ServedModel extends ExportedModel {
  networks: readonly PreprocessedNetwork[]
  vectors: readonly ModelVector[]
}

/** Pieces of a file in their order; may be asked for again, and are the same then. */
export interface ModelFile {
  mediaType: string
  /** With its dot. */
  extension: string
  /** A piece may be empty: it gives others their turn. */
  chunks: Iterable<Uint8Array | string>
}

/** The model is one that the format has no words for; the text says why, for the caller. */
export class UnsupportedExportError extends Error {
  override readonly name = 'UnsupportedExportError'
}

/** An iterable whose every run calls the generator anew. */
export function repeatable<Chunk>(generate: () => Iterator<Chunk>): Iterable<Chunk> {
  return { [Symbol.iterator]: generate }
}
