import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import type { ProblemCode } from '../plugins/app/problems/problem.ts'
import { OAuthError } from '../schemas/oauth.ts'
import { ProblemDocument } from '../schemas/problem-document.ts'
import { operationsOf } from './document.ts'
import { hoistComponents } from './hoist-components.ts'
import { problemResponses } from './problem-responses.ts'

/** Where an operation carries its error codes until the document is complete. */
export const problemCodesKey = 'x-problem-codes'

/** What is left to do when the routes have become operations: their errors, their headers, their named schemas. */
export function completeDocument(document: OpenApi.Document): OpenApi.Document {
  const complete = structuredClone(document)
  for (const { operation } of operationsOf(complete)) {
    const codes: ProblemCode[] = Reflect.get(operation, problemCodesKey) ?? []
    Reflect.deleteProperty(operation, problemCodesKey)
    const form = operation.security?.some((scheme) => 'client' in scheme) ? 'oauth' : 'problem'
    operation.responses = withRequestId({ ...operation.responses, ...problemResponses(codes, form) })
  }
  const { tree, schemas } = hoistComponents({ paths: complete.paths, errors: [ProblemDocument, OAuthError] })
  // The same tree, with references where titled schemas stood.
  const { paths } = tree as Pick<OpenApi.Document, 'paths'>
  return {
    ...complete,
    ...(paths !== undefined && { paths }),
    components: {
      ...complete.components,
      schemas: { ...complete.components?.schemas, ...(schemas as OpenApi.ComponentsObject['schemas']) },
    },
  }
}

/** Every answer has the id that its log lines have. */
function withRequestId(responses: OpenApi.ResponsesObject): OpenApi.ResponsesObject {
  const header = { description: 'Finds the request in the log', required: true, schema: { type: 'string' as const } }
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => [
      status,
      '$ref' in response ? response : { ...response, headers: { ...response.headers, 'X-Request-Id': header } },
    ]),
  )
}
