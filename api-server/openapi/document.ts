import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'

/** Operations of a document, with where they stand. */
export interface Operation {
  method: string
  path: string
  operation: OpenApi.OperationObject
}

export const methods = ['get', 'post', 'put', 'patch', 'delete'] as const

export function operationsOf(document: OpenApi.Document): Operation[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item?.[method]
      return operation === undefined ? [] : [{ method, path, operation }]
    }),
  )
}
