"""What the functions are compared with: the least that FastAPI and Mangum can be."""

from fastapi import FastAPI
from mangum import Mangum

app = FastAPI()


@app.get("/healthz")
def get_health() -> dict[str, str]:
    """Answer."""
    return {"status": "ok"}


handler = Mangum(app, lifespan="off")
