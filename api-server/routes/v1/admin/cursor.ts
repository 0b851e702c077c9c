import { problem } from '../../../plugins/app/problems/problem.ts'

/** The position after the last entry of a page, as an opaque text. */
export function cursorOf(last: string): string {
  return Buffer.from(last, 'utf8').toString('base64url')
}

/** @throws Problem 400 `cursor_invalid` when it is not one of `cursorOf` */
export function placeOf(cursor: string, isPlace: (place: string) => boolean): string {
  const place = Buffer.from(cursor, 'base64url').toString('utf8')
  if (cursorOf(place) === cursor && isPlace(place)) return place
  throw problem(400, 'cursor_invalid', 'This route did not issue the cursor. Start without one.')
}
