import { type FieldError, PROBLEMS, type ProblemCode } from '@trainyard/contracts'

export interface DomainErrorDetails {
  /** One sentence for the caller: what is wrong and how to mend it. */
  detail?: string
  /** Every fault of the request, each with where it is. */
  errors?: FieldError[]
  [fact: string]: unknown
}

/**
 * The one error class of our own code. `code` is for programs, `details` for the caller, `cause` for us: the cause is
 * logged and never sent.
 */
export class DomainError extends Error {
  override readonly name = 'DomainError'
  readonly code: ProblemCode
  readonly details: DomainErrorDetails

  constructor(code: ProblemCode, details: DomainErrorDetails = {}, options?: { cause?: unknown }) {
    super(details.detail ?? PROBLEMS[code].title, options)
    this.code = code
    this.details = details
  }
}
