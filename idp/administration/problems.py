"""The errors of the API; each is declared once."""

from __future__ import annotations

from http import HTTPStatus

from config.problem import ProblemType

NOT_ADMINISTRATOR = ProblemType(
    "MJ-IDENTITY-001",
    HTTPStatus.FORBIDDEN,
    "Only an administrator may do this",
    "Ask an administrator of your organisation.",
)
NOT_FOUND = ProblemType(
    "MJ-IDENTITY-002",
    HTTPStatus.NOT_FOUND,
    "There is no such thing, or not in an organisation of yours",
    "List again; what you look for may have changed meanwhile.",
)
WRONG_METHOD = ProblemType(
    "MJ-IDENTITY-003",
    HTTPStatus.METHOD_NOT_ALLOWED,
    "This cannot be done to that",
    "See /api/identity/openapi.json.",
)
NOT_UNDERSTOOD = ProblemType(
    "MJ-IDENTITY-004",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The request could not be understood",
    "Compare it with /api/identity/openapi.json.",
)
NOT_JSON = ProblemType(
    "MJ-IDENTITY-005",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "The body must be JSON",
    "Send Content-Type: application/json.",
)
TOO_LARGE = ProblemType(
    "MJ-IDENTITY-006",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "The body is too large",
    "Send at most 64 KiB.",
)
CHANGED_MEANWHILE = ProblemType(
    "MJ-IDENTITY-007",
    HTTPStatus.CONFLICT,
    "Somebody changed it meanwhile",
    "Read it again, and decide on what it is now.",
)
YOURSELF = ProblemType(
    "MJ-IDENTITY-008",
    HTTPStatus.CONFLICT,
    "You cannot do this to yourself here",
    "Sign out to end your own session. Let another administrator lock your account.",
)
LAST_ADMINISTRATOR = ProblemType(
    "MJ-IDENTITY-009",
    HTTPStatus.CONFLICT,
    "This is the last administrator of an organisation",
    "Make somebody else an administrator first.",
)
NOT_YOURS_ALONE = ProblemType(
    "MJ-IDENTITY-010",
    HTTPStatus.CONFLICT,
    "This person belongs to an organisation that you do not administer",
    "End their session in your organisation instead, or ask an administrator of all their organisations.",
)
ENDED_ALREADY = ProblemType(
    "MJ-IDENTITY-011",
    HTTPStatus.CONFLICT,
    "This session has ended already",
    "Nothing is left to do; list the sessions again.",
)
NOT_TO_RETRY = ProblemType(
    "MJ-IDENTITY-012",
    HTTPStatus.CONFLICT,
    "This delivery cannot be tried again",
    "Only a dead letter that has not expired can be. Let whoever needs it ask for a new one.",
)
LOOK_REFUSED = ProblemType(
    "MJ-IDENTITY-013",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "This look cannot be used",
    "Correct the field that is named, and send all of it again.",
)
PROVIDER_REFUSED = ProblemType(
    "MJ-IDENTITY-030",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "This identity provider cannot be used",
    "Correct the field that is named, and send all of it again.",
)
PROVIDER_TAKEN = ProblemType(
    "MJ-IDENTITY-031",
    HTTPStatus.CONFLICT,
    "Another identity provider has this already",
    "Change or remove the other one first, or choose what nobody has.",
)
DOMAIN_UNPROVEN = ProblemType(
    "MJ-IDENTITY-033",
    HTTPStatus.CONFLICT,
    "The domain's file does not prove it",
    "Put the line into the file at the address that is named, without a redirect, and ask again.",
)
TOO_MANY_PROVIDERS = ProblemType(
    "MJ-IDENTITY-032",
    HTTPStatus.CONFLICT,
    "The organisation has as many identity providers as it may have",
    "Remove one that nobody uses first.",
)
FACTORS_NOT_FRESH = ProblemType(
    "MJ-IDENTITY-014",
    HTTPStatus.UNAUTHORIZED,
    "This needs two factors, lately",
    "Sign in again as WWW-Authenticate says (RFC 9470), and ask again.",
)
NO_FACTORS = ProblemType(
    "MJ-IDENTITY-015",
    HTTPStatus.CONFLICT,
    "This person has no second factor",
    "Nothing is left to take away; they sign in with a code by mail.",
)
TRANSMITTER_REFUSED = ProblemType(
    "MJ-IDENTITY-051",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "This transmitter cannot be listened to",
    "Correct the field that is named, and send all of it again.",
)
TOO_MANY_TRANSMITTERS = ProblemType(
    "MJ-IDENTITY-052",
    HTTPStatus.CONFLICT,
    "This organisation has as many transmitters as it may have",
    "Change one of them, or remove one first.",
)
SUCH_A_TRANSMITTER = ProblemType(
    "MJ-IDENTITY-053",
    HTTPStatus.CONFLICT,
    "There is a transmitter of this issuer and audience already",
    "Change that one, or agree on another audience with it.",
)
NO_TOKEN = ProblemType(
    "MJ-IDENTITY-054",
    HTTPStatus.CONFLICT,
    "This transmitter is polled: it shows no token",
    "Change its delivery to push first.",
)
CLIENT_REFUSED = ProblemType(
    "MJ-IDENTITY-020",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "A client cannot be registered so",
    "Correct the member that is named, and send all of it again.",
)
CLIENT_ID_TAKEN = ProblemType(
    "MJ-IDENTITY-021",
    HTTPStatus.CONFLICT,
    "There is a client of this id already",
    "Choose another id, or leave it out to have one made.",
)
PART_OF_THE_HOUSE = ProblemType(
    "MJ-IDENTITY-022",
    HTTPStatus.CONFLICT,
    "This client is a part of the house",
    "Change it by the settings.",
)
NO_SECRET = ProblemType(
    "MJ-IDENTITY-023",
    HTTPStatus.CONFLICT,
    "This client has no secret",
    "Change its token_endpoint_auth_method first.",
)
RESOURCE_REFUSED = ProblemType(
    "MJ-IDENTITY-024",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "An API cannot be described so",
    "Correct the field that is named, and send all of it again.",
)
RESOURCE_TAKEN = ProblemType(
    "MJ-IDENTITY-025",
    HTTPStatus.CONFLICT,
    "This identifier or scope is taken",
    "Change the API that has it, or choose another name.",
)
IMPORT_RUNS = ProblemType(
    "MJ-IDENTITY-070",
    HTTPStatus.CONFLICT,
    "This import is not at its end",
    "Let it come to its end, or go on with it by the command that began it; then take it out again.",
)
PHASE_NOT_BEGUN = ProblemType(
    "MJ-IDENTITY-086",
    HTTPStatus.CONFLICT,
    "This phase has not begun",
    "Compare once it has reached people.",
)
NOT_NEEDED = ProblemType(
    "MJ-IDENTITY-087",
    HTTPStatus.CONFLICT,
    "This person does not need it, or cannot be reached so",
    "Look at what is possible for them now.",
)
PHASE_NOT_NOW = ProblemType(
    "MJ-IDENTITY-090",
    HTTPStatus.CONFLICT,
    "This cannot be done with the phase now",
    "Show the programme: each phase says what can be done now, and what hinders the rest.",
)
PROGRAMME_REFUSED = ProblemType(
    "MJ-IDENTITY-091",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "A programme cannot be so",
    "Correct what is named, and send it again.",
)
PHASE_IN_FORCE = ProblemType(
    "MJ-IDENTITY-092",
    HTTPStatus.CONFLICT,
    "This is in force, so it stays as it is",
    "Pause the phase first, or change only its reminders, its thresholds and its dates to come.",
)
COHORT_TAKEN = ProblemType(
    "MJ-IDENTITY-093",
    HTTPStatus.CONFLICT,
    "The programme has a cohort of this name already",
    "Change that one, or choose another name.",
)
NO_MATCH = ProblemType(
    "MJ-IDENTITY-094",
    HTTPStatus.PRECONDITION_FAILED,
    "If-Match names another version than the body",
    "Read it again, and send the version and the entity tag of the same answer.",
)
KEY_SIGNS = ProblemType(
    "MJ-IDENTITY-060",
    HTTPStatus.CONFLICT,
    "This key signs at the moment",
    "Rotate first: once another key signs, this one can be retired. If it leaked, rotate at once.",
)
RESET_UNDER_WAY = ProblemType(
    "MJ-IDENTITY-016",
    HTTPStatus.CONFLICT,
    "A reset of this person is under way already",
    "Look at it under their ways to sign in: agree to it, or refuse it before you ask for another.",
)
RESET_OVER = ProblemType(
    "MJ-IDENTITY-017",
    HTTPStatus.CONFLICT,
    "This reset is decided, or its time is over",
    "Ask for a new one if the person still needs it.",
)
SECOND_ADMINISTRATOR = ProblemType(
    "MJ-IDENTITY-018",
    HTTPStatus.CONFLICT,
    "This takes another administrator",
    "Let somebody agree who did not ask for it.",
)
TWO_ADMINISTRATORS = ProblemType(
    "MJ-IDENTITY-019",
    HTTPStatus.CONFLICT,
    "This takes two administrators",
    "Ask for a reset, and let another administrator agree to it.",
)
PRECONDITION_REQUIRED = ProblemType(
    "MJ-IDENTITY-080",
    HTTPStatus.PRECONDITION_REQUIRED,
    "A change of this must say what it is a change of",
    "Read it, and send its ETag as If-Match.",
)
PRECONDITION_FAILED = ProblemType(
    "MJ-IDENTITY-081",
    HTTPStatus.PRECONDITION_FAILED,
    "Somebody changed it meanwhile; nothing was done",
    "Read it again, and send the change with the ETag that it has now.",
)
RULES_REFUSED = ProblemType(
    "MJ-IDENTITY-082",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "An organisation cannot say this of its sign-ins",
    "Correct the field that is named, and send all of it again.",
)
PEOPLE_STUCK = ProblemType(
    "MJ-IDENTITY-083",
    HTTPStatus.CONFLICT,
    "Some people would have no way left to sign in",
    "Look who they are and help them first. If you want the change all the same, say so.",
)
