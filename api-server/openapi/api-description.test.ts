import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import { beforeAll, expect, test } from 'vitest'
import { problemCatalog } from '../plugins/app/problems/problem.ts'
import { apiDescription } from './api-description.ts'
import { type Operation, operationsOf } from './document.ts'

let document: OpenApi.Document
let operations: Operation[]

beforeAll(async () => {
  document = await apiDescription()
  operations = operationsOf(document)
})

/** The operations of which this is not true, by name, so that a failure says where to look. */
function except(isTrue: (operation: OpenApi.OperationObject) => boolean): string[] {
  return operations.filter(({ operation }) => !isTrue(operation)).map(({ method, path }) => `${method} ${path}`)
}

test('every operation has a name of its own, a summary and a known tag', () => {
  const names = operations.map(({ operation }) => operation.operationId)
  expect(new Set(names).size).toBe(names.length)
  expect(except(({ operationId }) => /^[a-z][A-Za-z]+$/.test(operationId ?? ''))).toEqual([])
  expect(except(({ summary }) => summary !== undefined)).toEqual([])
  const tags = new Set(document.tags?.map(({ name }) => name))
  expect(except((operation) => operation.tags?.length === 1 && operation.tags.every((tag) => tags.has(tag)))).toEqual(
    [],
  )
})

test('every body, in and out, has an example', () => {
  expect(except(({ requestBody }) => hasExample(requestBody))).toEqual([])
  expect(except(({ responses }) => Object.values(responses ?? {}).every(hasExample))).toEqual([])
})

test('every answer says in words what it is', () => {
  const isSaid = (response: object) => Reflect.get(response, 'description') !== 'Default Response'
  expect(except(({ responses }) => Object.values(responses ?? {}).every(isSaid))).toEqual([])
})

test('every error of the catalog is one that some operation describes, in one mode or the other', async () => {
  const withCookies = operationsOf(await apiDescription({ COOKIE_MODE: 'true' }))
  const described = JSON.stringify([...operations, ...withCookies].map(({ operation }) => operation.responses))
  // A method that a path does not have is none of its operations.
  const { method_not_allowed: _, ...ofOperations } = problemCatalog
  const unknown = Object.keys(ofOperations).filter((code) => !described.includes(`"${code}"`))
  expect(unknown).toEqual([])
})

/** A reference stands for a component, which has its example itself. */
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
