from enum import StrEnum


class Status(StrEnum):
    ERROR = "ERROR"
    INCOMPLETE = "INCOMPLETE"
    NOT_FOUND = "NOT_FOUND"
    NULL_VALUE = "NULL_VALUE"
    OUTSIDE_MAX_AGE = "OUTSIDE_MAX_AGE"
    OUT_OF_HISTORY = "OUT_OF_HISTORY"
    OVER_LIMIT = "OVER_LIMIT"
    PRESENT = "PRESENT"
    REBUILDING = "REBUILDING"
    STALE = "STALE"
    TIMED_OUT = "TIMED_OUT"
    UNAVAILABLE = "UNAVAILABLE"

    def __str__(self) -> str:
        return str(self.value)
