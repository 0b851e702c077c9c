import Type from 'typebox'

/** RFC 9457, with the additional members of all errors of this server. */
export const ProblemDocument = Type.Object(
  {
    type: Type.String({ description: 'about:blank; the code identifies the error' }),
    title: Type.String({ description: 'Name of the status code' }),
    status: Type.Integer(),
    detail: Type.String({ description: 'What happened and what to do, for people' }),
    code: Type.String({ description: 'Stable code for programs' }),
    request_id: Type.String({ description: 'Identifies the request in the server log' }),
    errors: Type.Optional(
      Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }), {
        description: 'With validation_failed: the errors and their locations (RFC 6901 pointers)',
      }),
    ),
  },
  { title: 'Problem', description: 'An error (RFC 9457)' },
)
