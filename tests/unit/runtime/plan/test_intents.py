"""What people ask for, over tables as they are met; none of the rules is about one table."""

import functools
import zlib

import pytest

from modelyard_runtime.plan.plan import make_plan
from support.tables import table_of

ROWS = 150
#: A table by its columns: ``int MOST``, ``float MOST``, ``date``, ``row``, or the categories.
TABLES = {
    "flights": (
        "carrier: aa/dl; dep_hour: int 24; distance: int 3000; arr_delay_minutes: int 200; "
        "delayed: int 2"
    ),
    "flights2": (
        "Airline: aa/dl; Origin: jfk/lax; Dest: sfo/ord; Distance: int 3000; "
        "ArrDelay: int 200; Cancelled: int 2"
    ),
    "loans": (
        "loan_amnt: int 40000; int_rate: float 30; annual_inc: int 90000; "
        "emp_length: int 11; purpose: car/home/debt; default: int 2"
    ),
    "loans2": (
        "LoanAmount: int 40000; Term: 36/60; CreditHistory: int 2; Income: int 90000; "
        "LoanStatus: Fully Paid/Charged Off"
    ),
    "loans3": (
        "amount: int 40000; duration: int 60; age: int 80; housing: own/rent; repaid: yes/no"
    ),
    "german": (
        "checking_status: a/b/c; duration: int 60; credit_amount: int 9000; savings: x/y; "
        "age: int 80; class: good/bad"
    ),
    "readmit": (
        "age: int 80; num_medications: int 30; time_in_hospital: int 14; "
        "number_diagnoses: int 9; readmitted: <30/>30/NO"
    ),
    "stay": (
        "patient_id: row; age: int 80; severity: int 5; admission_type: urgent/elective; "
        "length_of_stay: int 40"
    ),
    "machine": (
        "air_temp_k: float 30; process_temp_k: float 30; rpm: int 3000; torque_nm: float 80; "
        "tool_wear_min: int 200; machine_failure: int 2"
    ),
    "rul": (
        "unit: int 20; cycle: int 300; s1: float 14.1429; s2: float 14.1429; s3: float 33; "
        "rul: int 250"
    ),
    "energy": (
        "RelativeCompactness: float 0.99; SurfaceArea: int 800; WallArea: int 400; "
        "GlazingArea: float 0.4; HeatingLoad: float 40; CoolingLoad: float 40"
    ),
    "zones": (
        "Hour: int 24; Temperature: float 40; Zone 1 Consumption: float 900; "
        "Zone 2 Consumption: float 900; Zone 3 Consumption: float 900"
    ),
    "theatre": (
        "Procedure: hip/knee/eye; BookedMins: int 300; PlannedStaff: int 9; ActualMins: int 300; "
        "Surgeon: a/b/c"
    ),
    "cloud": ("team: a/b/c; regions: int 9; spend_usd: float 900; next_month_spend_usd: float 900"),
    "flocks": (
        "FeedMill: a/b/c; WaterFeedRatio: float 3; FCR: float 3; HouseTemp: float 40; "
        "Birds: int 900"
    ),
    "street air": (
        "CO(GT): float 9; C6H6(GT): float 60; NO2(GT): float 300; T: float 40; RH: float 90"
    ),
    "guarantees": "Bank: a/b/c; Term: int 360; Backed: float 900; MIS_Code: P I F/CHGOFF",
    "comments": "length: int 900; toxic: int 2; hate: int 2; threat: int 2",
    "rides": "surge: float 3; distance: float 30; hour: int 24; weather: sun/rain; price: float 60",
    "concrete": (
        "cement: float 500; slag: float 300; water: float 200; age_days: int 365; "
        "compressive_strength_mpa: float 80"
    ),
    "air": (
        "PM10: float 99; NO2: float 99; O3: float 99; temperature: float 30; "
        "humidity: int 100; wind: float 9; pm25: float 30"
    ),
    "airbnb": (
        "neighbourhood: a/b/c; room_type: entire/private; minimum_nights: int 30; "
        "number_of_reviews: int 200; price: int 500"
    ),
    "student": (
        "school: GP/MS; sex: F/M; age: int 22; studytime: int 4; failures: int 3; "
        "absences: int 30; G1: int 20; G2: int 20; G3: int 20"
    ),
    "students2": (
        "hours_studied: int 40; attendance: int 100; previous_scores: int 100; "
        "tutoring: Yes/No; exam_score: int 100"
    ),
    "tele": (
        "customerID: row; gender: Male/Female; SeniorCitizen: int 2; tenure: int 72; "
        "PhoneService: Yes/No; InternetService: DSL/Fiber/No; "
        "Contract: Month-to-month/One year; MonthlyCharges: float 90; "
        "TotalCharges: float 9000; Churn: Yes/No"
    ),
    "bank": (
        "age: int 80; job: adm/tech; marital: married/single; education: pri/sec; "
        "balance: int 9000; housing: yes/no; loan: yes/no; duration: int 900; y: yes/no"
    ),
    "adult": (
        "age: int 80; workclass: Private/Gov; education: HS/BA; occupation: sales/tech; "
        "hours_per_week: int 80; native_country: US/MX; income: <=50K/>50K"
    ),
    "heart": (
        "age: int 80; sex: int 2; cp: int 4; trestbps: int 200; chol: int 400; fbs: int 2; "
        "thalach: int 200; exang: int 2; target: int 2"
    ),
    "diab": (
        "Pregnancies: int 10; Glucose: int 200; BloodPressure: int 120; Insulin: int 600; "
        "BMI: float 50; Age: int 80; Outcome: int 2"
    ),
    "stroke": (
        "id: row; gender: Male/Female; age: int 90; hypertension: int 2; "
        "heart_disease: int 2; avg_glucose_level: float 300; bmi: float 50; "
        "smoking_status: never/smokes; stroke: int 2"
    ),
    "wineq": (
        "fixed_acidity: float 9.9; volatile_acidity: float 0.99; citric_acid: float 0.99; "
        "residual_sugar: float 9.9; alcohol: float 15; quality: int 6"
    ),
    "mush": "cap_shape: b/c; odor: a/n; gill_color: k/w; habitat: d/g; class: edible/poisonous",
    "fraud": (
        "step: int 700; type: CASH_OUT/TRANSFER; amount: float 9999.9; "
        "oldbalanceOrg: float 99999; newbalanceOrig: float 99999; isFraud: int 2"
    ),
    "tips": (
        "total_bill: float 50; tip: float 10; sex: Male/Female; smoker: Yes/No; "
        "day: Sun/Sat; time: Lunch/Dinner; size: int 6"
    ),
    "diamonds": (
        "carat: float 3; cut: Ideal/Fair; color: D/E; clarity: SI1/VS2; depth: float 70; "
        "table: float 70; price: int 18000"
    ),
    "penguins": (
        "species: Adelie/Gentoo/Chinstrap; island: Dream/Biscoe; bill_length_mm: float 50; "
        "flipper_length_mm: int 230; body_mass_g: int 6000; sex: male/female"
    ),
    "taxi": (
        "pickup_datetime: date; passenger_count: int 5; pickup_lat: float 0.99; "
        "pickup_lon: float 9.9; trip_distance: float 20; fare_amount: float 90; "
        "tip_amount: float 9.9; trip_duration: int 3600"
    ),
    "rain": (
        "Date: date; Location: Sydney/Perth; MinTemp: float 30; MaxTemp: float 30; "
        "Rainfall: float 9.9; Humidity: int 100; RainToday: Yes/No; RainTomorrow: Yes/No"
    ),
    "hr": (
        "satisfaction_level: float 0.99; last_evaluation: float 0.99; number_project: int 7; "
        "average_monthly_hours: int 300; time_spend_company: int 10; Work_accident: int 2; "
        "left: int 2; sales: it/hr; salary: low/medium/high"
    ),
    "ads": "TV: float 300; Radio: float 50; Newspaper: float 90; Sales: float 27",
    "ctr": (
        "banner_pos: int 5; device_type: int 4; hour: int 24; site_category: a/b; click: int 2"
    ),
    "tickets": (
        "subject: login/bill; channel: mail/web; customer_tier: gold/std; "
        "priority: low/mid/high; resolution_hours: float 90; escalated: yes/no"
    ),
    "crop": (
        "N: int 140; P: int 140; K: int 200; temperature: float 40; humidity: float 90; "
        "ph: float 9; rainfall: float 300; label: rice/maize/coffee/jute"
    ),
    "cover": (
        "Elevation: int 3500; Aspect: int 360; Slope: int 60; Wilderness_Area: int 4; "
        "Soil_Type: int 40; Cover_Type: int 7"
    ),
    "abalone": (
        "Sex: M/F/I; Length: float 0.99; Diameter: float 0.99; Height: float 0.99; "
        "WholeWeight: float 3; Rings: int 29"
    ),
    "delivery": (
        "order_id: row; restaurant: a/b; distance_km: float 20; weather: sun/rain; "
        "traffic: low/jam; delivery_time_min: int 90"
    ),
    "orders": (
        "order_id: row; item_price: float 90; size: s/m/l; color: red/blue; "
        "customer_age: int 80; return: int 2"
    ),
    "calls": (
        "age: int 80; region: n/s; plan_minutes: int 999; support_calls: int 9; "
        "cancelled: yes/no; months_active: int 60"
    ),
    "gym": (
        "member_no: row; visits_per_week: int 7; tenure_months: int 60; plan: basic/pro; quit: Y/N"
    ),
    "house": (
        "bedrooms: int 6; sqft: int 4000; zip: int 9000; yr_built: int 100; "
        "condition: int 5; sale_amt: int 900000"
    ),
    "noshow": (
        "age: int 80; gender: F/M; sms_received: int 2; days_ahead: int 60; no_show: No/Yes"
    ),
    "warranty": (
        "model: a/b; mileage: int 90000; region: n/s; claim_cost: float 9000; claim_filed: int 2"
    ),
    "plant": (
        "temp: float 30; pressure: float 1000; humidity: float 99; vacuum: float 80; "
        "power_output_mw: float 500"
    ),
    "web": ("sessions: int 9; bounce: float 0.99; pages: int 30; referrer: g/b; converted: int 2"),
    "water": (
        "ph: float 14; hardness: float 300; solids: float 30000; chloramines: float 13; "
        "potability: int 2"
    ),
    "emo": "words: int 99; exclaims: int 9; caps: int 40; sentiment: positive/negative/neutral",
    "seoul": (
        "date: date; hour: int 24; temperature_c: float 30; humidity_pct: int 100; "
        "rented_bike_count: int 3000; holiday: yes/no"
    ),
    "car": (
        "cyl: int 8; disp: int 400; hp: int 200; wt: int 5000; accel: float 20; "
        "year: int 82; origin: int 3; mpg: float 40"
    ),
    "ship": (
        "warehouse: A/B; mode: Ship/Road; weight_gms: int 5000; discount: int 60; "
        "reached_on_time: int 2"
    ),
    "support": (
        "agent: a/b; channel: phone/chat; wait_sec: int 300; handle_sec: int 900; csat: int 6"
    ),
    "kick": (
        "category: art/tech; goal_usd: int 90000; duration_days: int 60; backers: int 500; "
        "state: successful/failed"
    ),
    "solar": (
        "irradiance: float 999; module_temp: float 99; ambient_temp: float 60; "
        "dc_power_kw: float 900"
    ),
    "ins": (
        "age: int 80; vehicle_age: <1/1-2; annual_premium: float 90000; vintage: int 300; "
        "response: int 2"
    ),
    "movie": (
        "budget: int 9000; runtime: int 200; genre: drama/comedy; imdb_rating: float 10; "
        "gross_revenue: int 90000"
    ),
    "kid": (
        "age: int 80; bp: int 120; sg: float 99; al: int 5; hemo: float 17; "
        "classification: ckd/notckd"
    ),
    "sleep": (
        "age: int 80; stress_level: int 10; daily_steps: int 9000; heart_rate: int 90; "
        "sleep_hours: float 9.9"
    ),
    "parking": (
        "weekday: int 7; hour: int 24; event: int 2; occupancy_pct: float 99.9; capacity: int 500"
    ),
    "call": "month: int 12; poutcome: ok/nok; campaign: int 9; deposit: yes/no",
    "job": (
        "job_title: dev/pm; experience_years: int 30; city: ny/sf; remote: int 2; "
        "salary_usd: int 200000"
    ),
}
#: The column that is meant, and the wordings for it.
ASKED = {
    ("zones", "Zone 2 Consumption"): (
        "zone 2 consumption by hour and temperature",
        "I'd like to predict the consumption of zone two",
    ),
    ("theatre", "ActualMins"): (
        "How many minutes will the operation take, instead of the time that is booked?",
        "Predict how many minutes an operation takes given the procedure and the surgeon",
    ),
    ("cloud", "next_month_spend_usd"): (
        "next month's spend per team",
        "How much will each team spend in the coming month?",
    ),
    ("cloud", "spend_usd"): ("spend per team",),
    ("flocks", "FCR"): ("Predict the feed conversion ratio of each flock",),
    ("street air", "C6H6(GT)"): ("How much benzene is in the air?", "C6H6 from the other sensors"),
    ("guarantees", "MIS_Code"): (
        "Will the loan be paid in full or charged off?",
        "paid in full vs. charged off",
    ),
    ("comments", "toxic"): ("Is this comment toxic?", "toxic or not"),
    ("rides", "price"): (
        "price in dollars, distance, surge, hour, weather",
        "Predict from the distance, the hour and the weather what a ride costs",
    ),
    ("flights", "arr_delay_minutes"): [
        "How late will the flight be?",
        "By how many minutes will a flight be delayed?",
    ],
    ("flights", "delayed"): [
        "Will the flight be delayed?",
        "Is this flight going to be late?",
    ],
    ("flights2", "ArrDelay"): [
        "How late will the plane arrive?",
        "Predict arrival delay",
    ],
    ("flights2", "Cancelled"): [
        "Will my flight get cancelled?",
    ],
    ("loans", "default"): [
        "Will the borrower repay the loan?",
        "Predict whether a loan will default",
        "Which applicants will fail to pay back?",
        "credit risk of a borrower",
    ],
    ("loans2", "LoanStatus"): [
        "Will the loan be repaid or charged off?",
        "Will the customer default on the loan?",
    ],
    ("loans3", "repaid"): [
        "Will the customer pay the loan back?",
        "Predict loan default",
    ],
    ("german", "class"): [
        "Is it a good or a bad credit?",
        "Predict credit risk (good/bad)",
        "Classify applicants as good or bad credit risks",
    ],
    ("readmit", "readmitted"): [
        "Will the patient be readmitted to hospital?",
        "readmission within 30 days",
    ],
    ("stay", "length_of_stay"): [
        "How long will the patient stay in hospital?",
        "Predict the number of days a patient stays",
        "hospital stay duration",
    ],
    ("machine", "machine_failure"): [
        "Will the machine break down?",
        "Predict failures from sensor readings",
        "Predictive maintenance: is the machine about to fail?",
    ],
    ("rul", "rul"): [
        "How many cycles until the engine fails?",
        "Remaining useful life of an engine",
    ],
    ("energy", "HeatingLoad"): [
        "Predict the heating load of a building",
    ],
    ("energy", "CoolingLoad"): [
        "How much cooling does a building need?",
    ],
    ("concrete", "compressive_strength_mpa"): [
        "How strong will the concrete be?",
        "Predict the strength of concrete from its mix",
    ],
    ("air", "pm25"): [
        "Predict PM2.5",
        "Forecast the PM2.5 concentration from weather and gases",
    ],
    ("airbnb", "price"): [
        "What should I charge per night for my flat?",
        "nightly price of a listing",
    ],
    ("student", "G3"): [
        "Predict the final grade G3",
    ],
    ("students2", "exam_score"): [
        "What score will the student get in the exam?",
        "Predict exam results from study habits",
    ],
    ("tele", "Churn"): [
        "Which customers are going to leave?",
        "Predict whether a customer will cancel their contract",
        "customer attrition",
    ],
    ("bank", "y"): [
        "Will the client subscribe to a term deposit?",
    ],
    ("adult", "income"): [
        "Does a person earn more than 50K a year?",
        "Predict income bracket",
        "Who makes over 50K?",
    ],
    ("heart", "target"): [
        "Does the patient have heart disease?",
        "Predict heart disease",
    ],
    ("diab", "Outcome"): [
        "Does the woman have diabetes?",
        "Predict the onset of diabetes from medical measurements",
    ],
    ("stroke", "stroke"): [
        "Will the patient have a stroke?",
        "stroke risk",
    ],
    ("wineq", "quality"): [
        "How good is the wine?",
        "Rate wine quality from chemistry",
    ],
    ("mush", "class"): [
        "Is the mushroom poisonous?",
        "Can I eat this mushroom or is it poisonous?",
    ],
    ("fraud", "isFraud"): [
        "Detect fraudulent transactions",
        "Is this transaction a fraud?",
    ],
    ("tips", "tip"): [
        "How much tip will the waiter get?",
        "Predict the tip from the bill",
    ],
    ("diamonds", "price"): [
        "What is a diamond worth?",
        "Predict diamond prices by carat, cut and color",
    ],
    ("penguins", "species"): [
        "Which species is this penguin?",
        "Is it an Adelie, a Gentoo or a Chinstrap?",
    ],
    ("penguins", "body_mass_g"): [
        "How heavy is the penguin?",
    ],
    ("penguins", "sex"): [
        "Is the penguin male or female?",
    ],
    ("taxi", "fare_amount"): [
        "How much will the taxi ride cost?",
        "Predict the fare of a taxi trip",
    ],
    ("taxi", "trip_duration"): [
        "How long will the trip take?",
    ],
    ("taxi", "tip_amount"): [
        "How much tip will the driver get?",
    ],
    ("rain", "RainTomorrow"): [
        "Will it rain tomorrow?",
    ],
    ("rain", "Rainfall"): [
        "How much rain will fall?",
    ],
    ("hr", "left"): [
        "Which employees will leave the company?",
        "Predict employee turnover",
    ],
    ("ads", "Sales"): [
        "How much will we sell given the ad budgets?",
        "Predict sales from advertising spend on TV, radio and newspaper",
    ],
    ("ctr", "click"): [
        "Will the user click on the ad?",
        "click-through rate prediction",
    ],
    ("tickets", "resolution_hours"): [
        "How long will it take to resolve a ticket?",
    ],
    ("tickets", "escalated"): [
        "Will the ticket be escalated?",
    ],
    ("tickets", "priority"): [
        "Which priority should the ticket have?",
    ],
    ("crop", "label"): [
        "Which crop should be planted?",
        "Recommend the best crop for the soil: rice, maize, coffee or jute",
    ],
    ("cover", "Cover_Type"): [
        "What kind of forest cover is it?",
        "Predict the forest cover type",
    ],
    ("abalone", "Rings"): [
        "How old is the abalone, by its rings?",
        "Predict the number of rings",
    ],
    ("delivery", "delivery_time_min"): [
        "When will my food arrive?",
        "How long does a delivery take?",
    ],
    ("orders", "return"): [
        "Will the item be sent back?",
        "Probability that a customer returns the order",
    ],
    ("calls", "cancelled"): [
        "Which customers cancel?",
        "Predict churn",
        "Rank customers by churn risk",
    ],
    ("gym", "quit"): [
        "Will a member quit?",
        "Which members are at risk of leaving the gym?",
        "member churn prediction",
    ],
    ("house", "sale_amt"): [
        "Predict what a house sells for",
        "sale price of homes",
    ],
    ("noshow", "no_show"): [
        "Will the patient show up for the appointment?",
        "Predict no-shows",
        "Who will miss their appointment?",
    ],
    ("warranty", "claim_filed"): [
        "Will a warranty claim be filed?",
    ],
    ("warranty", "claim_cost"): [
        "How much will the warranty claim cost?",
        "expected claim cost of a vehicle",
    ],
    ("plant", "power_output_mw"): [
        "Predict the electrical power output of the plant",
        "How much power will be produced?",
        "energy output from ambient conditions",
    ],
    ("web", "converted"): [
        "Will the visitor convert?",
        "Predict conversion probability",
        "likelihood of a conversion for each session",
    ],
    ("water", "potability"): [
        "Is the water potable?",
        "Predict water potability from chemistry",
    ],
    ("emo", "sentiment"): [
        "Is the review positive or negative?",
        "Classify the mood of a text",
        "sentiment analysis",
    ],
    ("seoul", "rented_bike_count"): [
        "How many bikes will be rented?",
        "Predict bike rental demand by the hour",
        "bike rentals per hour from weather",
    ],
    ("car", "mpg"): [
        "fuel consumption of a car in miles per gallon",
        "How many miles per gallon does the car do?",
    ],
    ("car", "origin"): [
        "Where was the car made (origin)?",
    ],
    ("ship", "reached_on_time"): [
        "Will the parcel arrive on time?",
        "Predict late shipments",
        "Did the order reach the customer on time?",
    ],
    ("support", "csat"): [
        "How satisfied is the customer (csat)?",
        "Predict CSAT",
    ],
    ("support", "handle_sec"): [
        "How long will a call take to handle?",
    ],
    ("kick", "state"): [
        "Will the project succeed or fail?",
        "Predict whether a campaign is successful",
        "chance that a project is successful rather than failed",
    ],
    ("solar", "dc_power_kw"): [
        "How much DC power does the array give?",
        "Forecast solar power",
    ],
    ("ins", "response"): [
        "Is the customer interested in vehicle insurance (response)?",
    ],
    ("ins", "annual_premium"): [
        "Predict the annual premium",
    ],
    ("movie", "gross_revenue"): [
        "How much will the movie gross?",
        "box office revenue",
    ],
    ("movie", "imdb_rating"): [
        "Predict the IMDB rating of a film",
    ],
    ("kid", "classification"): [
        "Does the patient have ckd?",
        "ckd or notckd",
    ],
    ("sleep", "sleep_hours"): [
        "How many hours will a person sleep?",
        "How long does someone sleep?",
    ],
    ("sleep", "stress_level"): [
        "Predict stress level",
    ],
    ("parking", "occupancy_pct"): [
        "How full will the car park be (occupancy)?",
        "Predict occupancy",
    ],
    ("call", "deposit"): [
        "Will the client make a deposit?",
        "Predict term deposit subscriptions",
    ],
    ("job", "salary_usd"): [
        "What salary should we offer?",
        "How much does a developer earn?",
        "Predict pay from experience and city",
    ],
}


def number(row: int, column: int, most: int) -> int:
    return zlib.crc32(f"{row} {column}".encode()) % most


def cell(spec: str, row: int, column: int) -> str:
    kind, _, most = spec.partition(" ")
    match kind:
        case "row":
            return f"c{row:04d}"
        case "date":
            return f"2020-{1 + row % 12:02d}-{1 + row % 28:02d}"
        case "int" if most:
            return str(number(row, column, int(float(most))))
        case "float" if most:
            return f"{number(row, column, 9973) / 9973 * float(most):.2f}"
        case _:
            choices = spec.split("/")
            return choices[number(row, column, len(choices))]


def text_of(name: str) -> str:
    columns = [column.strip().partition(": ")[::2] for column in TABLES[name].split(";")]
    rows = [[cell(spec, row, i) for i, (_, spec) in enumerate(columns)] for row in range(ROWS)]
    return "\n".join(",".join(row) for row in [[name for name, _ in columns], *rows]) + "\n"


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    return functools.cache(lambda name: table_of(folder, text_of(name)))


@pytest.mark.parametrize(
    ("name", "intent", "target"),
    [(name, intent, target) for (name, target), asked in ASKED.items() for intent in asked],
)
def test_a_wording_finds_its_column(read, name, intent, target):
    assert make_plan(intent, read(name)).target == target
