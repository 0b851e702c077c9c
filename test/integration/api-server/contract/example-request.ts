import type { InjectOptions } from 'fastify'
import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import type { Operation } from '../../../../api-server/plugins/app/documentation/document.ts'
import { formType } from '../../../../api-server/schemas/oauth.ts'

export type Request = InjectOptions & { headers: Record<string, string>; payload?: string }

/** The example request of an operation, without credentials. */
export function exampleRequest({ method, path, operation }: Operation): Request {
  const media = bodyOf(operation)
  const url = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(exampleOfParameter(operation, name))))
  // The method of an operation is one of these.
  const request = { method: method.toUpperCase() as 'GET', url, headers: {} }
  if (media === undefined) return request
  return { ...request, headers: { 'content-type': media.type }, payload: encode(media.type, media.example) }
}

/** The content type of an operation's body, with its example. */
export function bodyOf({ requestBody }: OpenApi.OperationObject) {
  if (requestBody === undefined || '$ref' in requestBody) return undefined
  const [type, media] = Object.entries(requestBody.content)[0] ?? []
  return type === undefined ? undefined : { type, schema: media?.schema, example: media?.example }
}

export function encode(type: string, body: unknown): string {
  if (type !== formType) return JSON.stringify(body)
  // A form is an object of strings.
  return new URLSearchParams(body as Record<string, string>).toString()
}

function exampleOfParameter({ parameters }: OpenApi.OperationObject, name: string): unknown {
  const parameter = parameters?.find((each) => 'name' in each && each.name === name && each.in === 'path')
  if (parameter === undefined || '$ref' in parameter) throw new Error(`no parameter ${name} in ${parameters}`)
  const example = parameter.example ?? Reflect.get(parameter.schema ?? {}, 'examples')?.[0]
  if (example === undefined) throw new Error(`the parameter ${name} has no example`)
  return example
}
