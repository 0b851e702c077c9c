import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import { operationsOf } from '../../../../api-server/plugins/app/documentation/document.ts'

/** An answer of a server. */
interface ObservedAnswer {
  method: string
  /** The path pattern of the route, as API descriptions write it: `/users/{id}`. */
  path: string
  status: number
  headers: Readonly<Record<string, unknown>>
  body: string
}

/** Compares answers with one API description. */
export interface AnswerChecker {
  /** Whether the description has the operation. */
  knows(method: string, path: string): boolean
  /** @returns what differs from the description; empty when nothing does */
  check(answer: ObservedAnswer): string[]
}

export function answerChecker(document: OpenApi.Document): AnswerChecker {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  // The package's types hide its default export under nodenext.
  ;(addFormats as unknown as (instance: Ajv2020) => void)(ajv)
  ajv.addSchema(document, 'api')
  const validators = new Map<string, ValidateFunction>()
  const validatorAt = (pointer: string) => {
    let validator = validators.get(pointer)
    if (validator === undefined) {
      // Properties that the description does not name are not part of the contract, so no answer may have them.
      validator = ajv.compile({ $ref: `api#/${pointer}`, unevaluatedProperties: false })
      validators.set(pointer, validator)
    }
    return validator
  }
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
      return [...missing, ...bodyFaults(validatorAt, response, answer)]
    },
  }
}

function bodyFaults(
  validatorAt: (pointer: string) => ValidateFunction,
  response: OpenApi.ResponseObject,
  answer: ObservedAnswer,
): string[] {
  const type = String(answer.headers['content-type'] ?? '').split(';')[0] ?? ''
  if (response.content === undefined) return answer.body === '' ? [] : ['a body, where none is described']
  if (response.content[type] === undefined) return [`the content type "${type}" is not described`]
  const operation = ['paths', answer.path, answer.method.toLowerCase()]
  const pointer = [...operation, 'responses', answer.status, 'content', type, 'schema'].map(escapeReference).join('/')
  const validate = validatorAt(pointer)
  if (validate(JSON.parse(answer.body))) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  )
}

/** One step of a JSON pointer in a URI fragment (RFC 6901 section 6). */
function escapeReference(step: string | number): string {
  return encodeURIComponent(String(step).replaceAll('~', '~0').replaceAll('/', '~1'))
}
