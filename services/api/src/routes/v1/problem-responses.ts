import { problemSchema } from '@trainyard/contracts'

const problem = { content: { 'application/problem+json': { schema: problemSchema } } }

/** For the documentation: every route under /v1 may answer a client's fault or ours with a problem document. */
export const problemResponses = { '4xx': problem, '5xx': problem } as const
