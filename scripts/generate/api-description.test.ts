import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import { beforeAll, expect, test } from 'vitest'
import { type Operation, operationsOf } from '../../api-server/plugins/app/documentation/document.ts'
import { problemCatalog } from '../../api-server/plugins/app/problems/problem.ts'
import { apiDescription } from './api-description.ts'

let document: OpenApi.Document
let operations: Operation[]

beforeAll(async () => {
  document = await apiDescription()
  operations = operationsOf(document)
})

/** The operations that violate the condition, by name, so that a failure names them. */
function except(isTrue: (operation: OpenApi.OperationObject) => boolean): string[] {
  return operations.filter(({ operation }) => !isTrue(operation)).map(({ method, path }) => `${method} ${path}`)
}

test('every operation has a unique name, a summary and a known tag', () => {
  const names = operations.map(({ operation }) => operation.operationId)
  expect(new Set(names).size).toBe(names.length)
  expect(except(({ operationId }) => /^[a-z][A-Za-z]+$/.test(operationId ?? ''))).toEqual([])
  expect(except(({ summary }) => summary !== undefined)).toEqual([])
  const tags = new Set(document.tags?.map(({ name }) => name))
  expect(except((operation) => operation.tags?.length === 1 && operation.tags.every((tag) => tags.has(tag)))).toEqual(
    [],
  )
})

test('every request and response body has an example', () => {
  expect(except(({ requestBody }) => hasExample(requestBody))).toEqual([])
  expect(except(({ responses }) => Object.values(responses ?? {}).every(hasExample))).toEqual([])
})

test('every response has a description', () => {
  const isSaid = (response: object) => Reflect.get(response, 'description') !== 'Default Response'
  expect(except(({ responses }) => Object.values(responses ?? {}).every(isSaid))).toEqual([])
})

test('some operation describes every error of the catalog, in one of the modes', async () => {
  const withCookies = operationsOf(await apiDescription({ COOKIE_MODE: 'true' }))
  const described = JSON.stringify([...operations, ...withCookies].map(({ operation }) => operation.responses))
  // Methods without an entry are not operations of the path.
  const { method_not_allowed: _, ...ofOperations } = problemCatalog
  const unknown = Object.keys(ofOperations).filter((code) => !described.includes(`"${code}"`))
  expect(unknown).toEqual([])
})

/** A reference stands for a component, which has its own example. */
function hasExample(
  part: OpenApi.RequestBodyObject | OpenApi.ResponseObject | OpenApi.ReferenceObject | undefined,
): boolean {
  if (part === undefined || !('content' in part)) return true
  return Object.values(part.content ?? {}).every(({ example, examples, schema }) => {
    if (example !== undefined || examples !== undefined) return true
    if (schema === undefined || !('$ref' in schema)) return schema !== undefined && Reflect.has(schema, 'examples')
    const component = document.components?.schemas?.[schema.$ref.split('/').at(-1) ?? '']
    return component !== undefined && Reflect.has(component, 'examples')
  })
}
