import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'

/** Operations of a document with their method and path. */
export interface Operation {
  method: string
  path: string
  operation: OpenApi.OperationObject
}

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const

export function operationsOf(document: OpenApi.Document): Operation[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item?.[method]
      return operation === undefined ? [] : [{ method, path, operation }]
    }),
  )
}
