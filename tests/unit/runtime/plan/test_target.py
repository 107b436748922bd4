"""Which column an intent means: written as people would ask, before looking at the answers."""

import pytest

from modelyard_crds.fields import FieldSchema
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.plan import make_plan
from support.tables import example_table, fields, table_of

CHURN = "customer_id,age,plan_type,monthly_charges,signup_date,churned\n" + "".join(
    f"C{i:05d},{20 + i % 50},{'bp'[i % 2]}lan,{i * 1.25},2020-01-{i % 28 + 1:02d},"
    f"{'no' if i % 3 else 'yes'}\n"
    for i in range(120)
)
HOUSES = "Id,MSSubClass,LotArea,OverallQual,YearBuilt,SalePrice\n" + "".join(
    f"{i},{20 + i % 5},{5000 + i * 7919 % 3000},{i % 10},{1900 + i * 37 % 100},{i * 1237 % 9001}\n"
    for i in range(120)
)
LOANS = "loan_id,income,credit_score,purpose,approved\n" + "".join(
    f"{i},{i * 7919 % 5000},{500 + i * 37 % 300},{'car' if i % 2 else 'home'},{i % 3 // 2}\n"
    for i in range(120)
)
MAIL = "subject_words,links,sender_age_days,label\n" + "".join(
    f"{i % 7},{i % 4},{i * 31 % 97},{'spam' if i % 3 else 'ham'}\n" for i in range(120)
)
TITANIC = "PassengerId,Pclass,Sex,Age,Fare,Survived\n" + "".join(
    f"{i},{1 + i % 3},{'male' if i % 2 else 'female'},{i % 80},{i * 1.7 % 99},{i % 5 // 3}\n"
    for i in range(120)
)
BIKES = "datetime,season,temp,humidity,windspeed,cnt\n" + "".join(
    f"2021-{1 + i % 12:02d}-{1 + i % 28:02d} 10:00:00,{i % 4},{i % 30},{i % 90},{i % 11},"
    f"{i * 7919 % 997}\n"
    for i in range(120)
)
CARS = "mpg,cylinders,horsepower,weight,origin\n" + "".join(
    f"{10 + i * 0.3},{4 + i % 3 * 2},{50 + i * 31 % 180},{2000 + i * 97 % 2500},{'ue'[i % 2]}s\n"
    for i in range(120)
)
INSURANCE = "age,sex,bmi,smoker,region,charges\n" + "".join(
    f"{18 + i % 50},{'mf'[i % 2]},{16 + i * 7 % 30},{'no' if i % 4 else 'yes'},{'ns'[i % 2]}e,"
    f"{1000 + i * 7919 % 50000 / 3}\n"
    for i in range(120)
)
FLIGHTS = "carrier,dep_hour,distance,arr_delay_minutes,delayed\n" + "".join(
    f"{'ad'[i % 2]}a,{i % 24},{i * 97 % 3000},{i * 31 % 200},{i % 3 // 2}\n" for i in range(120)
)
STAFF = "EmployeeID,Age,Department,JobSatisfaction,MonthlyIncome,Attrition\n" + "".join(
    f"{i},{18 + i % 40},{'hr' if i % 3 else 'it'},{1 + i * 7 % 4},{1000 + i * 97 % 8000},"
    f"{'No' if i % 5 else 'Yes'}\n"
    for i in range(120)
)
USED = "make,model_year,mileage_km,fuel,price_eur\n" + "".join(
    f"{'abc'[i % 3]},{1990 + i * 7 % 30},{i * 7919 % 250000},{'ab'[i % 2]},{i * 97 % 60000}\n"
    for i in range(120)
)
SOLD_CARS = "Brand,ModelYear,KmDriven,SellingPrice\n" + "".join(
    f"{'abc'[i % 3]}z,{1990 + i % 30},{i * 7919 % 200000},{i * 97 % 50001}\n" for i in range(120)
)
BLOCKS = "MedInc,HouseAge,AveRooms,Population,MedHouseVal\n" + "".join(
    f"{i * 0.37 % 9:.2f},{i % 50},{i * 0.31 % 7:.2f},{i * 97 % 3000},{i * 7919 % 500000}\n"
    for i in range(120)
)
CARDS = "LimitBal,Sex,PayAmt1,DefaultNextMonth\n" + "".join(
    f"{i * 97 % 50000},{1 + i % 2},{i * 31 % 777},{i % 5 // 4}\n" for i in range(120)
)
HEARTS = "Age,EjectionFraction,SerumCreatinine,DeathEvent\n" + "".join(
    f"{40 + i % 50},{i * 7 % 60},{i * 0.37 % 3:.2f},{i % 3 // 2}\n" for i in range(120)
)
VISITS = "VisitorId,PageViews,BounceRate,PurchaseMade\n" + "".join(
    f"{i},{i * 7 % 60},{i * 0.37 % 3:.2f},{i % 3 // 2}\n" for i in range(120)
)
EXITS = "EmpId,JobRole,YearsAtCompany,ExitFlag\n" + "".join(
    f"{i},{'ab'[i % 2]}x,{i % 30},{i % 5 // 4}\n" for i in range(120)
)
STORES = "StoreId,Promo,Weekday,WeeklySales\n" + "".join(
    f"{i % 10},{i % 2},{i % 7},{i * 7919 % 50001}\n" for i in range(120)
)
TABLES = {
    **{"sold_cars": SOLD_CARS, "blocks": BLOCKS, "cards": CARDS, "hearts": HEARTS},
    **{"visits": VISITS, "exits": EXITS, "stores": STORES},
    **{"insurance": INSURANCE, "flights": FLIGHTS, "staff": STAFF, "used": USED},
    **{"churn": CHURN, "houses": HOUSES, "loans": LOANS, "mail": MAIL, "titanic": TITANIC},
    **{"bikes": BIKES, "cars": CARS},
}

ASKED = [
    ("breast_cancer", "Predict whether a tumour is malignant or benign", "diagnosis", "binary"),
    ("breast_cancer", "Is the tumor malignant?", "diagnosis", "binary"),
    ("breast_cancer", "diagnose breast cancer from cell measurements", "diagnosis", "binary"),
    ("wine", "Which cultivar does a wine come from?", "cultivar", "multiclass"),
    ("wine", "Classify wines by cultivar using chemical measurements", "cultivar", "multiclass"),
    ("wine", "Estimate the alcohol content", "alcohol", "regression"),
    ("iris", "Predict the species of an iris flower", "species", "multiclass"),
    ("iris", "Is it a setosa, a versicolor or a virginica?", "species", "multiclass"),
    ("iris", "What kind of iris is this?", "species", "multiclass"),
    ("diabetes", "How far will the disease have progressed?", "disease_progression", "regression"),
    ("diabetes", "predict disease progression after one year", "disease_progression", "regression"),
    ("digits", "Recognise the handwritten digit", "digit", "multiclass"),
    ("digits", "Which digit is in the picture?", "digit", "multiclass"),
    ("churn", "Predict customer churn based on usage patterns", "churned", "binary"),
    ("churn", "Which customers will leave us next month?", "churned", "binary"),
    ("churn", "the likelihood that a customer cancels", "churned", "binary"),
    ("churn", "Estimate the monthly charges of a customer", "monthly_charges", "regression"),
    ("houses", "Predict the price of a house", "SalePrice", "regression"),
    ("houses", "How much is a house worth, given its lot area and quality?", "SalePrice",
     "regression"),
    ("houses", "Estimate house prices", "SalePrice", "regression"),
    ("loans", "Should a loan be approved?", "approved", "binary"),
    ("loans", "Predict loan approval from income and credit score", "approved", "binary"),
    ("loans", "probability of approval", "approved", "binary"),
    ("mail", "Detect spam", "label", "binary"),
    ("mail", "Is a message spam or ham?", "label", "binary"),
    ("titanic", "Who survives?", "Survived", "binary"),
    ("titanic", "Predict the survival of a passenger based on age, sex and fare", "Survived",
     "binary"),
    ("bikes", "How many bikes will be rented? Predict the count", "cnt", "regression"),
    ("insurance", "Estimate the medical insurance cost of a person", "charges", "regression"),
    ("insurance", "How expensive will a patient be?", "charges", "regression"),
    ("insurance", "Does the person smoke?", "smoker", "binary"),
    ("flights", "Will the flight be late?", "delayed", "binary"),
    ("flights", "How many minutes late will a flight arrive?", "arr_delay_minutes", "regression"),
    ("staff", "Which employees are likely to leave the company?", "Attrition", "binary"),
    ("staff", "How satisfied are employees with their job?", "JobSatisfaction", "multiclass"),
    ("staff", "What will an employee earn per month?", "MonthlyIncome", "regression"),
    ("used", "What is a used car worth?", "price_eur", "regression"),
    ("used", "Predict the resale value of cars", "price_eur", "regression"),
    ("cars", "Predict the mpg of a car", "mpg", "regression"),
    ("cars", "Predict `horsepower`", "horsepower", "regression"),
    ("houses", "How much will a house sell for?", "SalePrice", "regression"),
    ("houses", "How much will this home be sold for?", "SalePrice", "regression"),
    ("houses", "What can I get for my house when I sell it?", "SalePrice", "regression"),
    ("sold_cars", "How much should I pay for a used car?", "SellingPrice", "regression"),
    ("sold_cars", "For how much was the car sold?", "SellingPrice", "regression"),
    ("used", "How much will my car sell for?", "price_eur", "regression"),
    ("blocks", "How much does a house sell for?", "MedHouseVal", "regression"),
    ("stores", "How much will a store sell next week?", "WeeklySales", "regression"),
    ("insurance", "How much do we have to pay for a patient?", "charges", "regression"),
    ("staff", "How much does an employee make?", "MonthlyIncome", "regression"),
    ("bikes", "How many bikes will be needed?", "cnt", "regression"),
    ("cards", "Will the customer default next month?", "DefaultNextMonth", "binary"),
    ("cards", "Who will not repay?", "DefaultNextMonth", "binary"),
    ("hearts", "Will the patient die?", "DeathEvent", "binary"),
    ("hearts", "Is the patient still alive?", "DeathEvent", "binary"),
    ("hearts", "Predict mortality", "DeathEvent", "binary"),
    ("titanic", "Which passengers stayed alive?", "Survived", "binary"),
    ("visits", "Will a visitor buy something?", "PurchaseMade", "binary"),
    ("visits", "Who bought?", "PurchaseMade", "binary"),
    ("churn", "Will we lose this customer?", "churned", "binary"),
    ("staff", "Who will quit?", "Attrition", "binary"),
    ("staff", "Will the employee resign?", "Attrition", "binary"),
    ("staff", "Employee turnover", "Attrition", "binary"),
    ("exits", "Who leaves the company?", "ExitFlag", "binary"),
    ("loans", "Will the application be rejected?", "approved", "binary"),
    ("flights", "Will the flight be on time?", "delayed", "binary"),
]  # fmt: skip


def read(folder, name):
    return table_of(folder, TABLES[name]) if name in TABLES else example_table(folder, name)


@pytest.mark.parametrize(("name", "intent", "target", "task"), ASKED)
def test_an_intent_finds_its_column_and_task(tmp_path, name, intent, target, task):
    plan = make_plan(intent, read(tmp_path, name))
    assert (plan.target, plan.task) == (target, task)


@pytest.mark.parametrize(
    ("name", "intent"),
    [
        ("breast_cancer", "Predict the price of bananas"),
        ("wine", "Predict the weather tomorrow"),
        ("churn", "Forecast sales"),
        ("titanic", "make me a model please"),
        ("wine", "How much will a bottle sell for?"),
    ],
)
def test_an_intent_about_something_else_lists_the_columns_and_how_to_say(tmp_path, name, intent):
    table = read(tmp_path, name)
    with pytest.raises(UserError) as caught:
        make_plan(intent, table)
    assert caught.value.reason is Reason.TARGET_NOT_FOUND
    assert table.names[0] in caught.value.message
    assert "output schema" in caught.value.message


def test_two_columns_that_fit_equally_are_named(tmp_path):
    rows = "".join(f"{i % 7},{i * 31 % 97},{i * 57 % 89}\n" for i in range(60))
    table = table_of(tmp_path, f"a,price_low,price_high\n{rows}")
    with pytest.raises(UserError, match=r"price_low, price_high|price_high, price_low") as caught:
        make_plan("Predict the price", table)
    assert caught.value.reason is Reason.TARGET_AMBIGUOUS


@pytest.mark.parametrize(
    ("schema", "target"),
    [
        (fields(churned="boolean"), "churned"),
        (fields(churn_probability="float"), "churned"),
        (fields(predicted_monthly_charges="float"), "monthly_charges"),
        (fields(is_churned="boolean", score="float"), "churned"),
        (fields(planType="string"), "plan_type"),
    ],
)
def test_the_output_schema_wins_also_with_affixes(tmp_path, schema, target):
    assert make_plan("Predict it", read(tmp_path, "churn"), None, schema).target == target


def test_an_output_schema_of_several_columns_plans_each(tmp_path):
    schema = fields(churned="boolean", score="float", predicted_monthly_charges="float")
    plan = make_plan("Predict both", read(tmp_path, "churn"), None, schema)
    assert [(goal.target, goal.task, goal.metric) for goal in plan.goals] == [
        ("churned", "binary", "roc_auc"),
        ("monthly_charges", "regression", "r2"),
    ]
    assert [(o.name, o.target, o.source) for o in plan.outputs] == [
        ("churned", "churned", "class"),
        ("score", "churned", "probability"),
        ("predicted_monthly_charges", "monthly_charges", "value"),
    ]
    assert not {"churned", "monthly_charges"} & set(plan.features)


@pytest.mark.parametrize(("name", "why"), [("customer_id", "identifier"), ("age", "input")])
def test_an_output_schema_with_what_is_not_predicted_says_so(tmp_path, name, why):
    schema = [*fields(churned="boolean"), FieldSchema(name=name, type="string")]
    inputs = fields(age="integer", monthly_charges="float")
    with pytest.raises(UserError, match=why) as caught:
        make_plan("Predict churn", read(tmp_path, "churn"), inputs, schema)
    assert caught.value.reason is Reason.UNSUPPORTED_TASK


def test_what_the_input_schema_holds_is_not_the_target(tmp_path):
    inputs = fields(age="integer", monthly_charges="float")
    plan = make_plan("charges and churn", read(tmp_path, "churn"), inputs)
    assert plan.target == "churned"
    assert plan.features == ["age", "monthly_charges"]


def test_an_intent_for_what_is_not_built_says_so(tmp_path):
    with pytest.raises(UserError, match="recommend") as caught:
        make_plan("Recommend products to buyers", read(tmp_path, "titanic"))
    assert caught.value.reason is Reason.UNSUPPORTED_TASK


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("default_next_month", ["default"]),
        ("ChurnWithin30Days", ["churn"]),
        ("next_purchase", ["next", "purchase"]),
        ("SalePrice", ["sale", "price"]),
    ],
)
def test_the_time_that_a_name_is_about_says_little(name, expected):
    assert lexicon.name_words(name) == expected
