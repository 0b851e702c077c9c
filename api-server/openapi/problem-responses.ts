import { STATUS_CODES } from 'node:http'
import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import { type ProblemCode, problemCatalog } from '../plugins/app/problems/problem.ts'

/** The answers of an operation for these errors: one a status, each with its codes and an example of each code. */
export function problemResponses(codes: readonly ProblemCode[]): OpenApi.ResponsesObject {
  const byStatus = Map.groupBy([...new Set(codes)].sort(), (code) => problemCatalog[code].status)
  return Object.fromEntries([...byStatus].map(([status, ofStatus]) => [String(status), response(status, ofStatus)]))
}

function response(status: number, codes: readonly ProblemCode[]): OpenApi.ResponseObject {
  return {
    description: codes.map((code) => `\`${code}\`: ${problemCatalog[code].meaning}`).join('\n\n'),
    headers: headersOf(status),
    content: {
      'application/problem+json': {
        schema: {
          allOf: [
            { $ref: '#/components/schemas/Problem' },
            { type: 'object', properties: { status: { const: status }, code: { enum: [...codes] } } },
          ],
        },
        examples: Object.fromEntries(codes.map((code) => [code, { value: exampleOf(code) }])),
      },
    },
  }
}

/** What comes beside the body: RFC 9110 sections 11.6.1 and 10.2.3. */
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

function exampleOf(code: ProblemCode) {
  const { status, meaning } = problemCatalog[code]
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: meaning,
    code,
    request_id: '0b0f6c0e-6a2f-4d7e-9d39-0c6a3f1d8a55',
    ...(code === 'validation_failed' && {
      errors: [{ pointer: '', detail: "must have required property 'email'" }],
    }),
  }
}
