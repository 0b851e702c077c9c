import { expect, test } from 'vitest'
import { hoistComponents } from './hoist-components.ts'

const user = () => ({ title: 'User', type: 'object', properties: { id: { type: 'string' } } })

test('a schema with a title is described once, and referred to wherever it stands, inside of others too', () => {
  const login = { title: 'Login', type: 'object', properties: { user: user() } }
  expect(hoistComponents({ paths: { '/a': { schema: user() }, '/b': { schema: login } } })).toEqual({
    tree: {
      paths: {
        '/a': { schema: { $ref: '#/components/schemas/User' } },
        '/b': { schema: { $ref: '#/components/schemas/Login' } },
      },
    },
    schemas: {
      User: user(),
      Login: { title: 'Login', type: 'object', properties: { user: { $ref: '#/components/schemas/User' } } },
    },
  })
})

test('two different schemas with the same title are refused, whichever a client would get', () => {
  expect(() => hoistComponents([user(), { ...user(), properties: {} }])).toThrow(
    'Two different schemas have the title User',
  )
})

test('an example that looks like a schema stays as it is', () => {
  const schema = { type: 'object', examples: [{ title: 'Dr', type: 'doctor' }] }
  expect(hoistComponents(schema)).toEqual({ tree: schema, schemas: {} })
})
