import fc from 'fast-check'
import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import type { Operation } from '../../../../api-server/plugins/app/documentation/document.ts'
import { formType } from '../../../../api-server/schemas/oauth.ts'
import { bodyOf, encode, type Request } from './example-request.ts'
import { almostValuesOf, valuesOf } from './schema-arbitrary.ts'

/** Credentials of a request. */
export type Caller = 'nobody' | 'user' | 'admin' | 'client' | 'impostor'

export interface FuzzedRequest {
  request: Request
  caller: Caller
}

/** Requests of one operation: valid ones, nearly valid ones, and arbitrary ones. */
export function requestsOf(operation: Operation, document: OpenApi.Document): fc.Arbitrary<FuzzedRequest> {
  return fc
    .record({
      url: urls(operation, document),
      body: bodies(operation, document),
      headers,
      caller: fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom<Caller>('user', 'admin', 'client') },
        { weight: 1, arbitrary: fc.constantFrom<Caller>('nobody', 'impostor') },
      ),
    })
    .map(({ url, body, headers, caller }) => ({
      caller,
      // The method of an operation is one of these.
      request: {
        method: operation.method.toUpperCase() as 'GET',
        url,
        ...body,
        headers: { ...headers, ...body.headers },
      },
    }))
}

function urls({ path, operation }: Operation, document: OpenApi.Document): fc.Arbitrary<string> {
  const parameters = (operation.parameters ?? []).flatMap((each) => ('$ref' in each ? [] : [each]))
  const valuesFor = (parameter: OpenApi.ParameterObject) =>
    fc.oneof(
      valuesOf(parameter.schema as object, document).map(String),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }),
    )
  const inPath = parameters.filter((each) => each.in === 'path')
  const inQuery = parameters.filter((each) => each.in === 'query')
  const record = (each: OpenApi.ParameterObject[]) =>
    Object.fromEntries(each.map((parameter) => [parameter.name, valuesFor(parameter)]))
  return fc
    .tuple(
      fc.record(record(inPath)),
      fc.record(record(inQuery), { requiredKeys: [] }),
      fc.option(fc.webQueryParameters()),
    )
    .map(([values, query, more]) => {
      const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(toWellFormed(values[name] ?? '')))
      const search = [
        new URLSearchParams(
          Object.entries(query).map(([name, value]): [string, string] => [name, value ?? '']),
        ).toString(),
        more ?? '',
      ]
        .filter((part) => part !== '')
        .join('&')
      return search === '' ? filled : `${filled}?${search}`
    })
}

/** A URL cannot contain half a surrogate pair. */
function toWellFormed(text: string): string {
  return text.toWellFormed()
}

const headers: fc.Arbitrary<Record<string, string>> = fc.record(
  {
    'x-request-id': fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
    'user-agent': fc.string({ unit: 'grapheme-ascii', maxLength: 400 }),
    accept: fc.constantFrom('*/*', 'text/html', 'application/xml', 'x'),
    origin: fc.constantFrom('https://evil.example.com', 'null', 'x'),
    cookie: fc.string({ unit: 'grapheme-ascii', maxLength: 100 }),
    'x-forwarded-for': fc.constantFrom('1.2.3.4', '::1', 'x', '1.2.3.4, 5.6.7.8'),
    'if-none-match': fc.constantFrom('*', '"x"', 'x'),
  },
  { requiredKeys: [] },
)

type Body = Pick<Request, 'headers'> & { payload?: string }

function bodies({ method, operation }: Operation, document: OpenApi.Document): fc.Arbitrary<Body> {
  const none = fc.constant<Body>({ headers: {} })
  if (method === 'get') return none
  const text = fc.record({
    headers: fc.record({
      'content-type': fc.constantFrom('application/json', formType, 'text/plain', 'x', 'application/json; charset=x'),
    }),
    payload: fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }), fc.json()),
  })
  const described = bodyOf(operation)
  if (described?.schema === undefined) return fc.oneof(none, text)
  const { type, schema } = described
  const encoded = (values: fc.Arbitrary<unknown>) =>
    values.map((value) => ({ headers: { 'content-type': type }, payload: asText(type, value) }))
  return fc.oneof(
    { weight: 4, arbitrary: encoded(valuesOf(schema, document)) },
    { weight: 4, arbitrary: encoded(almostValuesOf(schema, document)) },
    { weight: 1, arbitrary: text },
    { weight: 1, arbitrary: none },
  )
}

export function asText(type: string, value: unknown): string {
  if (type !== formType) return encode(type, value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return formValue(value)
  return encode(type, Object.fromEntries(Object.entries(value).map(([key, member]) => [key, formValue(member)])))
}

/** A form contains strings only. String() fails for an object with a field `toString`. */
function formValue(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}
