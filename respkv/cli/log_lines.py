"""Log lines for people, or one JSON object a line (`--json`) for programs."""

import json
import logging
import time


class JsonLines(logging.Formatter):
    """time, level and message, and what a line says by name (`extra={"fields": {...}}`)."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, object] = {
            "time": f"{seconds}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def start_logging(path: str, level: int, as_json: bool) -> None:
    """Send log lines to a file, or to standard error when `path` is empty."""
    handler = logging.FileHandler(path) if path else logging.StreamHandler()
    plain = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(JsonLines() if as_json else plain)
    logging.basicConfig(handlers=[handler], level=level)
