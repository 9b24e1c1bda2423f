from enum import StrEnum


class PostVectorsBodyLayout(StrEnum):
    COLUMNS = "columns"
    ROWS = "rows"

    def __str__(self) -> str:
        return str(self.value)
