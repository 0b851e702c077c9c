import Type from 'typebox'
import { expect, test } from 'vitest'
import { parseVariables, setVariables } from './read-variables.ts'

const schema = Type.Object({
  PORT: Type.Integer({ default: 8080, minimum: 1, description: 'port' }),
  HOST: Type.String({ minLength: 1, description: 'host name' }),
  DEBUG: Type.Optional(Type.Boolean({ description: 'true or false' })),
})

test('an empty variable counts as not set, white space around a value is dropped, and undeclared variables are ignored', () => {
  const environment = { PORT: ' ', HOST: ' localhost\n', DEBUG: undefined, PATH: '/bin' }
  expect(setVariables(schema, environment)).toEqual({ HOST: 'localhost' })
})

test('values have the types of the schema and its defaults', () => {
  expect(parseVariables(schema, { HOST: 'localhost', DEBUG: 'true' })).toEqual({
    values: { PORT: 8080, HOST: 'localhost', DEBUG: true },
  })
})

test('every missing and every invalid variable is a problem of its own', () => {
  expect(parseVariables(schema, { PORT: 'http', DEBUG: 'perhaps' })).toEqual({
    problems: expect.arrayContaining([
      { name: 'HOST', given: undefined, expected: 'host name' },
      { name: 'PORT', given: 'http', expected: 'port' },
      { name: 'DEBUG', given: 'perhaps', expected: 'true or false' },
    ]),
  })
})
