import { expect, test } from 'vitest'
import { withAnswerOfRequestObject } from './request-object.ts'

const object = (payload: unknown) => `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.`

test('the answer to a request object has its state and response mode, unless the URL names others', () => {
  const request = object({ state: 'a b', response_mode: 'form_post', redirect_uri: 'https://evil.example' })
  const whole = new URLSearchParams(
    withAnswerOfRequestObject(`/authorize?client_id=shop&request=${request}`).split('?')[1],
  )
  expect(Object.fromEntries(whole)).toEqual({ client_id: 'shop', request, state: 'a b', response_mode: 'form_post' })
  expect(withAnswerOfRequestObject(`/authorize?state=c&response_mode=query&request=${request}`)).toBe(
    `/authorize?state=c&response_mode=query&request=${request}`,
  )
})

test.each(['', '?', '?client_id=shop', '?request=', '?request=a.b.c', `?request=${object(null)}`])(
  'a request without a readable object stays as it is: %s',
  (search) => expect(withAnswerOfRequestObject(`/authorize${search}`)).toBe(`/authorize${search}`),
)
