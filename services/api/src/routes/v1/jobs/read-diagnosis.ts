import { diagnosisSchema, jobParamsSchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { DiagnoseJob } from '../../../use-cases/diagnose-job.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'What went wrong in a training, and what to change',
  description:
    'Each finding has its evidence and, where a change mends it, suggested_patch: a JSON merge patch (RFC 7396) of the job’s config. No findings: nothing that these rules know.',
  params: jobParamsSchema,
  response: { 200: diagnosisSchema, ...problemResponses },
}

export function addReadDiagnosis(app: App, { diagnoseJob }: { diagnoseJob: DiagnoseJob }): void {
  app.get('/v1/jobs/:id/diagnosis', { schema }, ({ principal, params }) =>
    diagnoseJob(principal.projectId, params.id),
  )
}
