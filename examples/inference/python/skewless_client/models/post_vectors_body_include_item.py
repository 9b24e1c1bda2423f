from enum import StrEnum


class PostVectorsBodyIncludeItem(StrEnum):
    EVENT_TIME = "event_time"
    EXPLAIN = "explain"
    RECEIPT = "receipt"
    STATUS = "status"

    def __str__(self) -> str:
        return str(self.value)
