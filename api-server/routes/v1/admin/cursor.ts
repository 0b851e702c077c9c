import { problem } from '../../../plugins/app/problems/problem.ts'

/** The place after the last entry of a page, as text that says nothing to a client. */
export function cursorOf(last: string): string {
  return Buffer.from(last, 'utf8').toString('base64url')
}

/** @throws Problem 400 `cursor_invalid` when it is not one of `cursorOf` */
export function placeOf(cursor: string, isPlace: (place: string) => boolean): string {
  const place = Buffer.from(cursor, 'base64url').toString('utf8')
  if (cursorOf(place) === cursor && isPlace(place)) return place
  throw problem(400, 'cursor_invalid', 'The cursor is not one that this route has given. Begin without one.')
}
