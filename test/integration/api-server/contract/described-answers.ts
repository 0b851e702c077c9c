import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import { operationsOf } from '../../../../api-server/plugins/app/documentation/document.ts'

/** Every answer that a document describes: `logIn 200`, `logIn 401 invalid_credentials`. */
export function describedAnswers(document: OpenApi.Document): string[] {
  return operationsOf(document).flatMap(({ operation }) =>
    Object.entries(operation.responses ?? {}).flatMap(([status, response]) => {
      const codes = Number(status) < 400 ? [] : codesOf(response)
      const name = `${operation.operationId} ${status}`
      return codes.length === 0 ? [name] : codes.map((code) => `${name} ${code}`)
    }),
  )
}

/** The error codes of a response: it has an example for each. */
export function codesOf(response: OpenApi.ResponseObject | OpenApi.ReferenceObject): string[] {
  if ('$ref' in response) return []
  return Object.values(response.content ?? {}).flatMap(({ examples }) => Object.keys(examples ?? {}))
}
