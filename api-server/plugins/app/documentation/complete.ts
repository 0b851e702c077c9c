import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import { OAuthError } from '../../../schemas/oauth.ts'
import { ProblemDocument } from '../../../schemas/problem-document.ts'
import type { ProblemCode } from '../problems/problem.ts'
import { operationsOf } from './document.ts'
import { hoistComponents } from './hoist-components.ts'
import { problemResponses } from './problem-responses.ts'

/** Extension in which an operation keeps its error codes until the document is complete. */
export const problemCodesKey = 'x-problem-codes'

/** Completes the operations that were generated from the routes: errors, headers and named schemas. */
export function completeDocument(document: OpenApi.Document): OpenApi.Document {
  const complete = structuredClone(document)
  for (const { operation } of operationsOf(complete)) {
    const codes: ProblemCode[] = Reflect.get(operation, problemCodesKey) ?? []
    Reflect.deleteProperty(operation, problemCodesKey)
    const form = operation.security?.some((scheme) => 'client' in scheme) ? 'oauth' : 'problem'
    allowNoBody(operation)
    operation.responses = withRequestId({ ...operation.responses, ...problemResponses(codes, form) })
  }
  const { tree, schemas } = hoistComponents({ paths: complete.paths, errors: [ProblemDocument, OAuthError] })
  // The same tree, with references instead of titled schemas.
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

/** A body that may be null is optional, but the plugin declares every body as required. */
function allowNoBody({ requestBody }: OpenApi.OperationObject): void {
  if (requestBody === undefined || '$ref' in requestBody) return
  const schemas = Object.values(requestBody.content).map(({ schema }) => schema)
  const isOptional = schemas.some(
    (schema) =>
      schema !== undefined && 'anyOf' in schema && schema.anyOf?.some((each) => 'type' in each && each.type === 'null'),
  )
  if (isOptional) requestBody.required = false
}

/** Every response has the request ID of its log lines. */
function withRequestId(responses: OpenApi.ResponsesObject): OpenApi.ResponsesObject {
  const header = {
    description: 'Identifies the request in the log',
    required: true,
    schema: { type: 'string' as const },
  }
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => [
      status,
      '$ref' in response ? response : { ...response, headers: { ...response.headers, 'X-Request-Id': header } },
    ]),
  )
}
