import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import { operationsOf } from '../../../../api-server/openapi/document.ts'

/** What a server answered. */
export interface SeenAnswer {
  method: string
  /** The pattern of the route as a document writes it: `/users/{id}`. */
  path: string
  status: number
  headers: Readonly<Record<string, unknown>>
  body: string
}

/** Holds answers against one API description. */
export interface AnswerChecker {
  /** Whether the description has such an operation. */
  knows(method: string, path: string): boolean
  /** @returns what the description does not promise, in words; empty when the answer is as described */
  check(answer: SeenAnswer): string[]
}

export function answerChecker(document: OpenApi.Document): AnswerChecker {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  // The type of the package does not see its own default export under nodenext.
  ;(addFormats as unknown as (instance: Ajv2020) => void)(ajv)
  ajv.addSchema(document, 'api')
  const operations = new Map(operationsOf(document).map((entry) => [`${entry.method} ${entry.path}`, entry.operation]))
  const find = (method: string, path: string) => operations.get(`${method.toLowerCase()} ${path}`)

  return {
    knows: (method, path) => find(method, path) !== undefined,
    check(answer) {
      const response = find(answer.method, answer.path)?.responses?.[answer.status]
      if (response === undefined || '$ref' in response) return [`the status ${answer.status} is not described`]
      const missing = Object.entries(response.headers ?? {}).flatMap(([name, header]) =>
        'required' in header && header.required === true && answer.headers[name.toLowerCase()] === undefined
          ? [`the header ${name} is missing`]
          : [],
      )
      return [...missing, ...bodyFaults(ajv, response, answer)]
    },
  }
}

function bodyFaults(ajv: Ajv2020, response: OpenApi.ResponseObject, answer: SeenAnswer): string[] {
  const type = String(answer.headers['content-type'] ?? '').split(';')[0] ?? ''
  if (response.content === undefined) return answer.body === '' ? [] : ['a body, where none is described']
  if (response.content[type] === undefined) return [`the content type "${type}" is not described`]
  const steps = [
    'paths',
    answer.path,
    answer.method.toLowerCase(),
    'responses',
    answer.status,
    'content',
    type,
    'schema',
  ]
  const pointer = steps.map((step) => encodeURIComponent(String(step).replaceAll('~', '~0').replaceAll('/', '~1')))
  // What the description does not name is not part of the contract: nobody should see it.
  const isDescribed = ajv.compile({ $ref: `api#/${pointer.join('/')}`, unevaluatedProperties: false })
  if (isDescribed(JSON.parse(answer.body))) return []
  return (isDescribed.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  )
}
