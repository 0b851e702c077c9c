import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import { oauthErrorCode } from '../problems/oauth-error.ts'
import { type ProblemCode, problemCatalog, problemTitles } from '../problems/problem.ts'

/** RFC 9457, or RFC 6749 section 5.2. */
export type ErrorForm = 'problem' | 'oauth'

/** The responses of an operation for these errors: one for each status, with its codes and an example of each. */
export function problemResponses(codes: readonly ProblemCode[], form: ErrorForm = 'problem'): OpenApi.ResponsesObject {
  const byStatus = Map.groupBy([...new Set(codes)].sort(), (code) => problemCatalog[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => [String(status), response(status, ofStatus, form)]),
  )
}

function response(status: number, codes: readonly ProblemCode[], form: ErrorForm): OpenApi.ResponseObject {
  return {
    description: codes.map((code) => `\`${code}\`: ${problemCatalog[code].meaning}`).join('\n\n'),
    headers: headersOf(status),
    content: {
      [form === 'oauth' ? 'application/json' : 'application/problem+json']: {
        schema: {
          allOf: [
            { $ref: `#/components/schemas/${form === 'oauth' ? 'OAuthError' : 'Problem'}` },
            { type: 'object', properties: finer(status, codes, form) },
          ],
        },
        examples: Object.fromEntries(codes.map((code) => [code, { value: exampleOf(code, form) }])),
      },
    },
  }
}

/** Constraints of this response in addition to the general error schema. */
function finer(status: number, codes: readonly ProblemCode[], form: ErrorForm): Record<string, object> {
  const code = { enum: [...codes] }
  if (form === 'problem') return { status: { const: status }, code }
  return { error: { enum: [...new Set(codes.map((each) => oauthErrorCode(status, each)))] }, code }
}

/** Headers of the response: RFC 9110 sections 11.6.1 and 10.2.3. */
function headersOf(status: number): Record<string, OpenApi.HeaderObject> {
  switch (status) {
    case 401:
      return { 'WWW-Authenticate': { description: 'RFC 6750 section 3', required: true, schema: { type: 'string' } } }
    case 429:
    case 503:
      return {
        'Retry-After': { description: 'Seconds', required: true, schema: { type: 'string', pattern: '^\\d+$' } },
      }
    default:
      return {}
  }
}

const exampleId = '0b0f6c0e-6a2f-4d7e-9d39-0c6a3f1d8a55'

function exampleOf(code: ProblemCode, form: ErrorForm) {
  const { status, meaning } = problemCatalog[code]
  if (form === 'oauth')
    return { error: oauthErrorCode(status, code), error_description: meaning, code, request_id: exampleId }
  return {
    type: 'about:blank',
    title: problemTitles[status],
    status,
    detail: meaning,
    code,
    request_id: exampleId,
    ...(code === 'validation_failed' && {
      errors: [{ pointer: '', detail: "must have required property 'email'" }],
    }),
  }
}
